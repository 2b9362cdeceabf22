//! The splitter of `k=v` arguments: any text splits into its own parts, or its quotes or templates do not close.

use daytwo::playbook::{parse_kv, split_args};

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let parts = split_args(&text);
    for raw in [false, true] {
        assert_eq!(parse_kv(&text, raw).is_ok(), parts.is_ok());
    }
    // Only the white space between parts and the backslashes that continue a line may go.
    let Ok(parts) = parts else { return };
    let kept = |text: &str| text.replace([' ', '\n', '\\'], "");
    assert_eq!(kept(&parts.concat()), kept(&text));
}
