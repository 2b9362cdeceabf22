//! Ansible's templating over minijinja: values, undefined, filters, tests, lookups.
