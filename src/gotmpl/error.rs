//! Why a template does not parse or does not run, with places; the texts are those of Go 1.26.

/// A template that does not parse; prints as `template: NAME:LINE: MESSAGE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    /// The name under which the text was parsed.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A template that failed while it ran; prints as
/// `template: NAME:LINE:COLUMN: executing "TEMPLATE" at <NODE>: MESSAGE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecError {
    /// Where it failed; `None` when no template was running yet (there is none of that name).
    pub frame: Option<Frame>,
    /// What failed, up to the text of the cause.
    pub message: String,
    /// The failure of another template (run by `include` or `tpl`) that this one reports. The chain is
    /// cut after some thousand links: the outermost templates of an endless recursion are not in it.
    pub cause: Option<Box<ExecError>>,
}

/// A place in a running template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The name under which the text was parsed: a file of a chart, or `gotpl` for `tpl`.
    pub parse_name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 0.
    pub column: usize,
    /// The template that was running, which may be a definition inside the text.
    pub template: String,
    /// The failing node, written as Go writes it.
    pub node: String,
}

impl ExecError {
    /// This error and those that led to it, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &ExecError> {
        std::iter::successors(Some(self), |error| error.cause.as_deref())
    }
}

impl std::fmt::Display for ExecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for error in self.chain() {
            if let Some(frame) = &error.frame {
                let Frame { parse_name, line, column, node, .. } = frame;
                let template = super::strconv::quote(frame.template.as_bytes());
                let template = String::from_utf8_lossy(&template);
                write!(f, "template: {parse_name}:{line}:{column}: executing {template} at <{node}>: ")?;
            }
            f.write_str(&error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ExecError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
