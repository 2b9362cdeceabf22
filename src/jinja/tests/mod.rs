//! The tests (`x is …`) of Jinja and of `ansible.builtin`.

use super::plugins::Plugins;

/// Adds every test.
pub fn register(plugins: &mut Plugins) {
    plugins.add_tests(&[]);
}
