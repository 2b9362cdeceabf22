//! Certificate authorities to trust where nobody names others: the system's, or Mozilla's where the system has none, as in
//! an image that holds nothing but this program.

use reqwest::Certificate;

/// The authorities to trust.
pub(crate) fn trusted() -> Vec<Certificate> {
    let system = rustls_native_certs::load_native_certs().certs;
    let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    if system.is_empty() { of(mozilla) } else { of(system.iter()) }
}

fn of(certificates: impl Iterator<Item = impl AsRef<[u8]>>) -> Vec<Certificate> {
    certificates.filter_map(|der| Certificate::from_der(der.as_ref()).ok()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_of_mozillas_can_be_read() {
        let all = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        assert_eq!(super::of(all.iter()).len(), all.len());
        assert!(all.len() > 50);
    }
}
