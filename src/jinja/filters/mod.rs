//! The filters of Jinja, of `ansible.builtin` and those that operator roles use beyond them, by family.

pub mod combine;
pub mod core;
pub mod json;
pub mod sequence;

use super::plugins::Plugins;

/// Adds every filter.
pub fn register(plugins: &mut Plugins) {
    plugins.add_filters(sequence::FILTERS);
}
