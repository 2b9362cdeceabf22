//! The filters of Jinja, of `ansible.builtin` and those that operator roles use beyond them, by family.

mod bind;
pub mod combine;
pub mod core;
mod encode;
pub mod json;
mod json_query;
mod math;
pub(crate) mod path;
pub(crate) mod regex;
pub mod sequence;
mod text;

pub(super) use bind::{bind, flag as flag_arg, needed, text as text_arg};
pub use encode::digest;
pub(super) use regex::{compile as compile_regex, failed as regex_failed};

use super::plugins::Plugins;

/// Adds every filter.
pub fn register(plugins: &mut Plugins) {
    for family in [
        core::FILTERS,
        encode::FILTERS,
        json_query::FILTERS,
        math::FILTERS,
        path::FILTERS,
        regex::FILTERS,
        sequence::FILTERS,
        text::FILTERS,
    ] {
        plugins.add_filters(family);
    }
}
