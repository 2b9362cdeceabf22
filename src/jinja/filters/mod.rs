//! The filters of Jinja, of `ansible.builtin` and those that operator roles use beyond them, by family.

mod bind;
mod choice;
pub mod combine;
pub mod core;
mod dicts;
mod encode;
mod ipaddr;
pub mod json;
mod json_query;
pub mod json_read;
pub(crate) mod math;
mod operators;
pub mod order;
mod password_hash;
pub(crate) mod path;
mod product;
mod random;
pub(crate) mod regex;
pub mod sequence;
mod sets;
mod text;
mod urlsplit;
mod vault;
mod wordwrap;

pub(super) use bind::{bind, flag as flag_arg, needed, text as text_arg};
pub use encode::digest;
pub(super) use password_hash::{Options as HashOptions, hash as hash_password};
pub(super) use random::Source as RandomSource;
pub(super) use regex::{compile as compile_regex, failed as regex_failed, pattern_text};
pub(super) use urlsplit::{Split, url_text};

use super::plugins::Plugins;

/// Adds every filter.
pub fn register(plugins: &mut Plugins) {
    for family in [
        choice::FILTERS,
        core::FILTERS,
        dicts::FILTERS,
        encode::FILTERS,
        ipaddr::FILTERS,
        json_query::FILTERS,
        math::FILTERS,
        operators::FILTERS,
        order::FILTERS,
        password_hash::FILTERS,
        path::FILTERS,
        product::FILTERS,
        random::FILTERS,
        regex::FILTERS,
        sequence::FILTERS,
        sets::FILTERS,
        text::FILTERS,
        urlsplit::FILTERS,
        vault::FILTERS,
        wordwrap::FILTERS,
    ] {
        plugins.add_filters(family);
    }
}
