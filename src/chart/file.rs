//! One file of a chart.

use std::sync::Arc;
use std::time::SystemTime;

/// One file of a chart: its path inside the chart and its bytes, without a byte order mark.
#[derive(Debug, Clone)]
pub struct File {
    /// The path inside the chart, with `/`.
    pub name: String,
    /// The content; shared, as several parts of a chart refer to it.
    pub data: Arc<[u8]>,
    /// When the file was last modified, where the source says so.
    pub modified: Option<SystemTime>,
}

impl File {
    /// A file with this content; a leading UTF-8 byte order mark is dropped.
    #[must_use]
    pub fn new(name: impl Into<String>, data: &[u8], modified: Option<SystemTime>) -> Self {
        let data = data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data);
        Self { name: name.into(), data: Arc::from(data), modified }
    }
}
