//! Chart archives: any archive loads as a chart or is refused; a chart that loads renders or fails.
//!
//! Bytes that are not compressed are taken for the tar archive itself, which lets a fuzzer reach what is
//! in it.

use std::io::Write as _;

use daytwo::chart::{Chart, Compat, RenderOptions};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Map;

const GZIP: &[u8] = b"\x1F\x8B";

pub(crate) fn run(data: &[u8]) {
    let chart = if data.starts_with(GZIP) {
        Chart::from_archive(data)
    } else {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        let written = encoder.write_all(data).and_then(|()| encoder.finish());
        Chart::from_archive(&written.unwrap_or_default())
    };
    let Ok(chart) = chart else { return };
    for compat in [Compat::V3, Compat::V4] {
        let _ = chart.render(&Map::new(), &RenderOptions::new("rel", "ns", compat));
    }
}
