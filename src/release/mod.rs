//! A chart in a cluster: record, storage, install, upgrade, repair, uninstall.
