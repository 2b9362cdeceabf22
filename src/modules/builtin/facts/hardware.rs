//! Processor, memory, mounts, load and uptime.

use super::{Facts, read};
use crate::jinja::Value;

/// The facts of this family.
pub(super) fn facts() -> Facts {
    let mut facts = processor();
    facts.extend(memory());
    facts.push(("mounts", mounts()));
    if let Some(uptime) = read("/proc/uptime") {
        let seconds = uptime.split('.').next().and_then(|seconds| seconds.parse::<i64>().ok());
        facts.push(("uptime_seconds", seconds.map_or(Value::None, Value::Int)));
    }
    let load = read("/proc/loadavg").unwrap_or_default();
    let loads: Vec<f64> = load.split_whitespace().take(3).filter_map(|it| it.parse().ok()).collect();
    let entries = ["1m", "5m", "15m"].into_iter().zip(loads);
    facts.push(("loadavg", Value::dict(entries.map(|(name, load)| (name, Value::Float(load))))));
    facts
}

/// `ansible_processor`, `ansible_processor_vcpus`, ….
fn processor() -> Facts {
    let text = read("/proc/cpuinfo").unwrap_or_default();
    let mut model = Vec::new();
    let (mut sockets, mut cores, mut siblings) = (std::collections::BTreeSet::new(), 1_i64, 1_i64);
    let mut flags = Vec::new();
    let mut count = 0_i64;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim() {
            "processor" => {
                count += 1;
                model.push(Value::from(value));
            }
            "vendor_id" | "model name" | "Processor" | "Model Name" => model.push(Value::from(value)),
            "physical id" => {
                sockets.insert(value.to_owned());
            }
            "cpu cores" => cores = value.parse().unwrap_or(1),
            "siblings" => siblings = value.parse().unwrap_or(1),
            "flags" | "Features" if flags.is_empty() => {
                flags = value.split_whitespace().map(Value::from).collect()
            }
            _ => {}
        }
    }
    let sockets = i64::try_from(sockets.len()).unwrap_or(1);
    let (sockets, cores, threads) =
        if sockets == 0 { (count.max(1), 1, 1) } else { (sockets, cores, (siblings / cores.max(1)).max(1)) };
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    vec![
        ("processor", Value::list(model)),
        ("processor_count", Value::Int(sockets)),
        ("processor_cores", Value::Int(cores)),
        ("processor_threads_per_core", Value::Int(threads)),
        ("processor_vcpus", Value::Int(threads * sockets * cores)),
        ("processor_nproc", Value::from(available)),
        ("flags", Value::list(flags)),
    ]
}

/// `ansible_memtotal_mb`, `ansible_memory_mb`, ….
fn memory() -> Facts {
    let text = read("/proc/meminfo").unwrap_or_default();
    let mb = |name: &str| -> i64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line
            .and_then(|line| line.split_whitespace().next())
            .and_then(|number| number.parse::<i64>().ok());
        number.unwrap_or(0) / 1024
    };
    let (total, free) = (mb("MemTotal"), mb("MemFree"));
    let (swap_total, swap_free) = (mb("SwapTotal"), mb("SwapFree"));
    let unused = free + mb("Cached") + mb("Buffers");
    let dict = |entries: Vec<(&'static str, i64)>| {
        Value::dict(entries.into_iter().map(|(name, number)| (name, Value::Int(number))))
    };
    let all = Value::dict([
        ("real", dict(vec![("total", total), ("used", total - free), ("free", free)])),
        ("nocache", dict(vec![("free", unused), ("used", total - unused)])),
        (
            "swap",
            dict(vec![
                ("total", swap_total),
                ("free", swap_free),
                ("used", swap_total - swap_free),
                ("cached", mb("SwapCached")),
            ]),
        ),
    ]);
    vec![
        ("memtotal_mb", Value::Int(total)),
        ("memfree_mb", Value::Int(free)),
        ("swaptotal_mb", Value::Int(swap_total)),
        ("swapfree_mb", Value::Int(swap_free)),
        ("memory_mb", all),
    ]
}

/// `ansible_mounts`: mounts of devices and of network file systems.
fn mounts() -> Value {
    let text = read("/etc/mtab").or_else(|| read("/proc/mounts")).unwrap_or_default();
    let mut mounts = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [device, mount, fstype, options, ..] = fields.as_slice() else { continue };
        if *fstype == "none" || !(device.starts_with('/') || device.contains(":/")) {
            continue;
        }
        let mount = unescape(mount);
        let number =
            |at: usize| fields.get(at).and_then(|it| it.parse::<i64>().ok()).map_or(Value::None, Value::Int);
        let mut entries = vec![
            ("mount", Value::from(mount.as_str())),
            ("device", Value::from(unescape(device))),
            ("fstype", Value::from(*fstype)),
            ("options", Value::from(*options)),
            ("dump", number(4)),
            ("passno", number(5)),
            ("uuid", Value::from("N/A")),
        ];
        if let Ok(found) = rustix::fs::statvfs(mount.as_str()) {
            let number = |number: u64| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
            entries.extend([
                ("size_total", number(found.f_frsize * found.f_blocks)),
                ("size_available", number(found.f_frsize * found.f_bavail)),
                ("block_size", number(found.f_bsize)),
                ("block_total", number(found.f_blocks)),
                ("block_available", number(found.f_bavail)),
                ("block_used", number(found.f_blocks.saturating_sub(found.f_bavail))),
                ("inode_total", number(found.f_files)),
                ("inode_available", number(found.f_favail)),
                ("inode_used", number(found.f_files.saturating_sub(found.f_favail))),
            ]);
        }
        mounts.push(Value::dict(entries));
    }
    Value::list(mounts)
}

/// Blanks and the like in names of mounts are written in octal.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
