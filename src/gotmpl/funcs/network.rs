//! Name resolution (sprig `network.go`), which Helm switches off unless told otherwise: rendering is pure.

use super::args::{fixed, text};
use crate::gotmpl::{FuncDef, Param};

pub(super) const FUNCTIONS: &[FuncDef] = &[fixed("getHostByName", &[Param::Str], |_, _| text(""))];
