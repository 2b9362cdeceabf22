//! Rows as the client prints them with `--xml`: the one of its forms that tells NULL from 'NULL'.

use serde_json::{Map, Value};

/// The rows of each statement that gave a result.
pub(super) fn results(xml: &str) -> Vec<Vec<Map<String, Value>>> {
    let mut results = Vec::new();
    let mut rest = xml;
    while let Some((_, after)) = rest.split_once("<resultset") {
        let (body, after) = match after.split_once("</resultset>") {
            Some(parts) => parts,
            None => (after, ""),
        };
        results.push(rows(body));
        rest = after;
    }
    results
}

fn rows(body: &str) -> Vec<Map<String, Value>> {
    body.split("<row>").skip(1).map(fields).collect()
}

fn fields(row: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut rest = row;
    while let Some((_, after)) = rest.split_once("<field name=\"") {
        let Some((name, after)) = after.split_once('"') else { break };
        let Some((attributes, after)) = after.split_once('>') else { break };
        let value = if attributes.contains("xsi:nil=\"true\"") {
            rest = after;
            Value::Null
        } else {
            let Some((text, after)) = after.split_once("</field>") else { break };
            rest = after;
            plain(text).into()
        };
        fields.insert(plain(name), value);
    }
    fields
}

fn plain(text: &str) -> String {
    // The ampersand last: what it brings is no entity.
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_of_several_statements_with_null_and_what_must_be_escaped() {
        let xml = "<?xml version=\"1.0\"?>\n\n<resultset statement=\"select 1\n\" xmlns:xsi=\"x\">\n  <row>\n\
                   \t<field name=\"1\">1</field>\n\t<field name=\"a&lt;b\">&amp;lt; \"x\"\ny</field>\n  </row>\n\
                   </resultset>\n<resultset statement=\"t\" xmlns:xsi=\"x\">\n  <row>\n\
                   \t<field name=\"n\" xsi:nil=\"true\" />\n\t<field name=\"e\"></field>\n  </row>\n  <row>\n\
                   \t<field name=\"n\">NULL</field>\n\t<field name=\"e\">2</field>\n  </row>\n</resultset>\n";
        let found = json!(results(xml));
        let expected = json!([
            [{"1": "1", "a<b": "&lt; \"x\"\ny"}],
            [{"n": null, "e": ""}, {"n": "NULL", "e": "2"}],
        ]);
        assert_eq!(found, expected);
        assert!(results("").is_empty());
        assert_eq!(results("<resultset statement=\"x\">cut off <row><field name=\"a\">1").len(), 1);
    }
}
