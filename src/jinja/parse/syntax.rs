//! How the text of a template is read: delimiters, white space, extensions.

/// How the text of a template is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// The first newline after a block tag is dropped.
    pub trim_blocks: bool,
    /// White space before a block tag at the start of a line is dropped.
    pub lstrip_blocks: bool,
    /// The last newline of the template is kept.
    pub keep_trailing_newline: bool,
    /// What a line ends with in the output.
    pub newline: Newline,
    /// `{% do %}` is known (`jinja2.ext.do`).
    pub do_statements: bool,
    /// `{% break %}` and `{% continue %}` are known (`jinja2.ext.loopcontrols`).
    pub loop_controls: bool,
    /// Other delimiters than `{{ }}`, `{% %}` and `{# #}`.
    pub delimiters: Option<Box<Delimiters>>,
}

/// What a line ends with in the output (`newline_sequence`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Newline {
    /// `\n`.
    #[default]
    Lf,
    /// `\r`.
    Cr,
    /// `\r\n`.
    CrLf,
}

impl Newline {
    /// The newline of this text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Newline> {
        match text {
            "\n" => Some(Newline::Lf),
            "\r" => Some(Newline::Cr),
            "\r\n" => Some(Newline::CrLf),
            _ => None,
        }
    }

    /// The text of the newline.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Newline::Lf => "\n",
            Newline::Cr => "\r",
            Newline::CrLf => "\r\n",
        }
    }
}

/// The delimiters of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Delimiters {
    /// `{{` and `}}`.
    pub variable: (String, String),
    /// `{%` and `%}`.
    pub block: (String, String),
    /// `{#` and `#}`.
    pub comment: (String, String),
    /// What makes a line a statement (`line_statement_prefix`).
    pub line_statement: Option<String>,
    /// What makes the rest of a line a comment (`line_comment_prefix`).
    pub line_comment: Option<String>,
}

impl Default for Delimiters {
    fn default() -> Self {
        let pair = |open: &str, close: &str| (open.to_owned(), close.to_owned());
        Delimiters {
            variable: pair("{{", "}}"),
            block: pair("{%", "%}"),
            comment: pair("{#", "#}"),
            line_statement: None,
            line_comment: None,
        }
    }
}

impl Default for Syntax {
    /// Ansible's: `trim_blocks` is on.
    fn default() -> Self {
        Syntax {
            trim_blocks: true,
            lstrip_blocks: false,
            keep_trailing_newline: false,
            newline: Newline::Lf,
            do_statements: false,
            loop_controls: false,
            delimiters: None,
        }
    }
}
