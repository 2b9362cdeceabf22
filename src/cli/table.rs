//! Tables and other forms of output, as Helm prints them.

use clap::ValueEnum;
use serde::Serialize;

use crate::yaml::go;

/// The form of a command's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Table,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// The lines of a table: cells are padded to the widest of their column, or cut to `max` characters.
pub(super) fn table(rows: &[Vec<String>], max: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |cell: &String| match cell.chars().count() {
        wide if max > 0 && wide > max => max,
        width => width,
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(width).max().unwrap_or_default())
        .collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| resized(cell, *width)).collect();
        cells.join("\t") + "\n"
    };
    rows.iter().map(line).collect()
}

fn resized(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return format!("{cell:width$}");
    }
    let kept: String = cell.chars().take(width.saturating_sub(3)).collect();
    format!("{kept}...")
}

/// A value as JSON or YAML.
pub(super) fn encode(value: &impl Serialize, format: Format) -> Result<String, String> {
    if format == Format::Json {
        return serde_json::to_string(value).map(|text| text + "\n").map_err(|error| error.to_string());
    }
    let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
    go::marshal(&value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_padded_and_cut() {
        let rows = [vec!["NAME".to_owned(), "URL".to_owned()], vec!["a".to_owned(), "https://x".to_owned()]];
        assert_eq!(table(&rows, 0), "NAME\tURL      \na   \thttps://x\n");
        assert_eq!(table(&rows, 5), "NAME\tURL  \na   \tht...\n");
    }
}
