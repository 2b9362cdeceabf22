//! Which cluster the helm modules mean (`module_utils/helm_args_common.py`): fewer arguments than the k8s modules'.

use crate::modules::spec::{Kind, Opt};

/// The arguments; `binary_path` names a program that nobody runs.
pub(super) const AUTH: &[Opt] = &[
    Opt::new("binary_path", Kind::Path),
    Opt::str("context").aliases(&["kube_context"]),
    Opt::new("kubeconfig", Kind::Raw).aliases(&["kubeconfig_path"]).no_log(),
    Opt::str("host"),
    Opt::new("ca_cert", Kind::Path).aliases(&["ssl_ca_cert"]),
    Opt::new("validate_certs", Kind::Bool).default("true").aliases(&["verify_ssl"]),
    Opt::str("api_key").no_log(),
];
