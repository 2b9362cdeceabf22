//! YAML 1.1 in (as Helm and Ansible read it), Go-style and PyYAML-style out.
