//! What commands print: tables, JSON and YAML as Helm writes them.

use std::io::Write;

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use crate::yaml::go;

/// The flag `--output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// One line of JSON.
    Json,
    /// YAML.
    Yaml,
}

/// Prints text; a reader that went away is no failure.
pub(super) fn print(text: &str) -> Result<(), String> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// Prints data as JSON or YAML, or the text made for people.
pub(super) fn write<T: Serialize>(
    format: Format,
    data: &T,
    table: impl FnOnce() -> String,
) -> Result<(), String> {
    match format {
        Format::Table => print(&table()),
        Format::Json => {
            let text = serde_json::to_string(data).map_err(|error| error.to_string())?;
            print(&format!("{}\n", for_html(&text)))
        }
        Format::Yaml => print(&yaml(&serde_json::to_value(data).map_err(|error| error.to_string())?)),
    }
}

/// JSON as Go's encoder writes it: fit for HTML.
fn for_html(text: &str) -> String {
    // These characters stand inside of strings only.
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// YAML with its line end.
pub(super) fn yaml(data: &Value) -> String {
    let mut text = go::to_yaml(data);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Columns as wide as their widest cell, with tabs between, as `gosuri/uitable` sets them.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.flat_map(|cell| cell.split('\n')).map(width).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let lines = row.iter().map(|cell| cell.split('\n').count()).max().unwrap_or(1);
        for line in 0..lines {
            for (column, cell) in row.iter().enumerate() {
                let part = cell.split('\n').nth(line).unwrap_or_default();
                if column > 0 {
                    text.push('\t');
                }
                text.push_str(part);
                text.extend(std::iter::repeat_n(' ', widths[column].saturating_sub(width(part))));
            }
            text.push('\n');
        }
    }
    if rows.is_empty() { "\n".into() } else { text }
}

/// A table whose cells are cut to so many characters, as `MaxColWidth` of `gosuri/uitable` does.
pub(super) fn narrow_table(rows: &[Vec<String>], max: usize) -> String {
    let cut = |cell: &String| match cell.chars().count() {
        wide if max > 0 && wide > max => {
            cell.chars().take(max.saturating_sub(3)).chain("...".chars()).collect()
        }
        _ => cell.clone(),
    };
    table(&rows.iter().map(|row| row.iter().map(cut).collect()).collect::<Vec<_>>())
}

/// `Mon Jan _2 15:04:05 2006`, in local time; of nothing Go's zero time.
pub(super) fn ansic(time: Option<Timestamp>) -> String {
    match time {
        None => "Mon Jan  1 00:00:00 0001".into(),
        Some(time) => time.to_zoned(TimeZone::system()).strftime("%a %b %e %H:%M:%S %Y").to_string(),
    }
}

/// A time as Go prints it when nobody says how.
pub(super) fn go_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.f %z %Z").to_string()
}

/// RFC 3339 to the second, in local time.
pub(super) fn rfc3339(time: Option<Timestamp>) -> String {
    let Some(time) = time else { return "0001-01-01T00:00:00Z".into() };
    let zoned = time.to_zoned(TimeZone::system());
    let pattern = if zoned.offset().is_zero() { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S%:z" };
    zoned.strftime(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_padded_and_tabbed() {
        let rows = [vec!["A".into(), "LONG".into()], vec!["xyz".into(), "b\nc".into()]];
        assert_eq!(table(&rows), "A  \tLONG\nxyz\tb   \n   \tc   \n");
    }

    #[test]
    fn json_is_fit_for_html() {
        assert_eq!(for_html(r#"{"a":"<&>"}"#), r#"{"a":"\u003c\u0026\u003e"}"#);
    }
}
