//! Requests of others, sent on as they are but with this connection's credentials.

use http::{Method, Request, Response};
use kube::client::Body;

use super::Client;
use super::client::RequestLabels;
use super::error::{Call, Error, Verb};

impl Client {
    /// Sends a request whose address is a path of the API server, and gives the answer, whatever its status. There is no limit in
    /// time: it may be a watch, or become a tunnel.
    ///
    /// # Errors
    /// The server cannot be reached; the request writes while this connection must not.
    pub async fn forward(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let method = request.method().clone();
        let resource = request.uri().path().to_owned();
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&method);
        let verb = if reads { Verb::Get } else { Verb::Update };
        let call = Call { verb, resource, namespace: None, name: None };
        if !reads {
            self.may_write(&call)?;
        }
        let response = self.kube().send(request).await;
        let response = response
            .map_err(|source| Error::Unreachable { call: Box::new(call), source: Box::new(source) })?;
        let labels = RequestLabels { code: response.status().as_u16(), method: method.to_string() };
        self.requests().get_or_create(&labels).inc();
        Ok(response)
    }
}
