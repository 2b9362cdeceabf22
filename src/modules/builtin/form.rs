//! The content of forms: `form-urlencoded` and `form-multipart`.

use std::path::Path;

use base64::Engine as _;

use crate::jinja::Value;
use crate::modules::{ModuleContext, ModuleError};

/// Pairs of names and values as `a=1&b=2`; text is taken as it is.
///
/// # Errors
/// The content is neither pairs nor text.
pub(super) fn urlencoded(body: &Value) -> Result<Option<Vec<u8>>, ModuleError> {
    let wrong = || {
        ModuleError::new("failed to parse body as form_urlencoded: too many values to unpack (expected 2)")
            .with("elapsed", 0_i64)
    };
    let pairs: Vec<(Value, Value)> = match body {
        Value::None => return Ok(None),
        Value::Dict(dict) => {
            dict.entries().into_iter().map(|(key, value)| (key.value().clone(), value)).collect()
        }
        Value::List(list) => {
            let pair = |item: &Value| {
                let items = item.as_list().map(crate::jinja::value::List::items).or_else(|| match item {
                    Value::Tuple(items) => Some(items.to_vec()),
                    _ => None,
                })?;
                <[Value; 2]>::try_from(items).ok().map(|[key, value]| (key, value))
            };
            list.items().iter().map(pair).collect::<Option<_>>().ok_or_else(wrong)?
        }
        other => return Ok(Some(other.to_string().into_bytes())),
    };
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs {
        let values = match &value {
            Value::List(list) => list.items(),
            Value::Tuple(items) => items.to_vec(),
            Value::None => Vec::new(),
            single => vec![single.clone()],
        };
        for value in values.iter().filter(|value| !value.is_none()) {
            out.append_pair(&key.to_string(), &value.to_string());
        }
    }
    // Python leaves `~` and escapes `*`; browsers' forms do the opposite.
    Ok(Some(out.finish().replace('*', "%2A").replace("%7E", "~").into_bytes()))
}

/// One field of a form.
struct Field {
    name: String,
    file: Option<String>,
    kind: Option<String>,
    encoding: Option<String>,
    content: Vec<u8>,
}

/// A form with files; the content type and the content.
///
/// # Errors
/// The content is no dict, a field is malformed, or a file cannot be read.
pub(super) fn multipart(
    context: &ModuleContext,
    body: &Value,
    remote: bool,
) -> Result<(String, Vec<u8>), ModuleError> {
    let Some(fields) = body.as_dict() else {
        return Err(ModuleError::new(format!("body must be mapping, cannot be type {}", body.type_name())));
    };
    let boundary = format!("==============={}==", uuid::Uuid::new_v4().simple());
    let mut out = Vec::new();
    let entries = fields.entries();
    let mut names: Vec<_> = entries.iter().collect();
    names.sort_by_key(|(name, _)| name.text().into_owned());
    for (name, value) in names {
        let field = field(context, &name.text(), value, remote)?;
        out.extend(format!("--{boundary}\r\n").bytes());
        out.extend(part(&field).bytes());
        match field.encoding.as_deref() {
            Some("base64") => {
                let text = base64::engine::general_purpose::STANDARD.encode(&field.content);
                for line in text.as_bytes().chunks(76) {
                    out.extend(line);
                    out.extend(b"\r\n");
                }
            }
            _ => {
                out.extend(&field.content);
                out.extend(b"\r\n");
            }
        }
    }
    out.extend(format!("--{boundary}--\r\n").bytes());
    Ok((format!("multipart/form-data; boundary=\"{boundary}\""), out))
}

/// The headers of one field.
fn part(field: &Field) -> String {
    let mut head = String::new();
    if let Some(kind) = &field.kind {
        head.push_str(&format!("Content-Type: {kind}\r\n"));
    }
    if let Some(encoding) = &field.encoding {
        head.push_str(&format!("Content-Transfer-Encoding: {encoding}\r\n"));
    }
    head.push_str(&format!("Content-Disposition: form-data; name=\"{}\"", field.name));
    if let Some(file) = &field.file {
        head.push_str(&format!("; filename=\"{file}\""));
    }
    head + "\r\n\r\n"
}

fn field(context: &ModuleContext, name: &str, value: &Value, remote: bool) -> Result<Field, ModuleError> {
    let wrong =
        |problem: String| ModuleError::new(format!("failed to parse body as form-multipart: {problem}"));
    let name = name.to_owned();
    let Some(dict) = value.as_dict() else {
        let Some(text) = value.as_str() else {
            return Err(wrong(format!(
                "value must be a string, or mapping, cannot be type {}",
                value.type_name()
            )));
        };
        let content = text.as_bytes().to_vec();
        return Ok(Field { name, file: None, kind: Some("text/plain".into()), encoding: None, content });
    };
    let text = |key: &str| dict.get(key).filter(|value| !value.is_none()).map(|value| value.to_string());
    let (file, content) = (text("filename"), text("content"));
    let mut kind = text("mime_type");
    let content = match (&file, content) {
        (_, Some(content)) => content.into_bytes(),
        (Some(file), None) => {
            let path = if remote { context.path(file) } else { context.find("files", file)? };
            if kind.is_none() {
                kind = Some(guess(&path).to_owned());
            }
            std::fs::read(&path).map_err(|error| wrong(super::attributes::errno(&error, &path)))?
        }
        (None, None) => return Err(wrong("at least one of filename or content must be provided".to_owned())),
    };
    let from_file = dict.get("content").is_none_or(|content| content.is_none());
    let encoding = match text("multipart_encoding").as_deref() {
        Some("base64") => Some("base64".to_owned()),
        Some("7or8bit") => None,
        Some(_) => {
            return Err(wrong("multipart_encoding must be one of [\"base64\", \"7or8bit\"]".to_owned()));
        }
        None => from_file.then(|| "base64".to_owned()),
    };
    let file =
        file.map(|file| Path::new(&file).file_name().unwrap_or_default().to_string_lossy().into_owned());
    let kind = Some(kind.unwrap_or_else(|| "application/octet-stream".to_owned()));
    Ok(Field { name, file, kind, encoding, content })
}

/// Content types by the endings of names, as far as forms usually hold them.
const TYPES: &[(&str, &str)] = &[
    ("txt", "text/plain"),
    ("html", "text/html"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("xml", "text/xml"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("tar", "application/x-tar"),
    ("sh", "application/x-sh"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("svg", "image/svg+xml"),
    ("py", "text/x-python"),
];

fn guess(path: &Path) -> &'static str {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let found = ending.and_then(|ending| TYPES.iter().find(|(known, _)| *known == ending));
    found.map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::urlencoded;
    use crate::jinja::Value;

    #[test]
    fn pairs_are_written_as_python_writes_them() {
        let text = |text: &str| Value::from(text);
        let list = Value::list(vec![text("x y"), text("~*")]);
        let body = Value::dict([("a", list), ("b", Value::Int(1)), ("c", Value::None)]);
        let written = urlencoded(&body).expect("pairs").expect("content");
        assert_eq!(String::from_utf8_lossy(&written), "a=x+y&a=~%2A&b=1");
        assert!(urlencoded(&Value::list(vec![Value::list(vec![text("a")])])).is_err());
    }
}
