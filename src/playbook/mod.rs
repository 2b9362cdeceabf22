//! Ansible content, pure: playbooks, roles, tasks, blocks, handlers become a typed tree.
