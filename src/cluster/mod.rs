//! Kubernetes I/O: discovery, apply, wait, logs, ownership. Knows no charts, roles or controllers.
