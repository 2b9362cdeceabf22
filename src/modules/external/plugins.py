"""Runs plugins in Python that content brings along: filters, tests, lookups and actions.

Every line on standard input is a request in JSON, every line on standard output its answer:

    {"do": "names", "kind": "filter", "files": [FILE, ...]}                -> {"value": {NAME: FILE}, "problems": [WHY, ...]}
    {"do": "filter", "file": FILE, "name": NAME, "values": [...], "named": {...}}              -> {"value": VALUE}
    {"do": "test", the same}                                                                   -> {"value": true}
    {"do": "lookup", the same and "variables": {...}}                                          -> {"value": [...]}
    {"do": "action", "file": FILE, "name": NAME, "task": {...}, "variables": {...}}            -> {"value": {...}}

A FILE is {"path": PATH, "import": MODULE or null}. What raises answers {"error": MESSAGE, "kind": KIND}, where KIND
is `ansible`, `undefined`, `plugin`, `type`, `value` or `exception`. Values are JSON; what JSON lacks is
{"__ansible_unsafe": TEXT}, as Ansible writes it, or {"__daytwo_type": TYPE, "value": …}. The command line holds the
directories of collections.
"""
import base64
import collections.abc
import datetime
import importlib
import importlib.util
import json
import math
import os
import sys

# Content may lie where nothing can be written.
sys.dont_write_bytecode = True
ROOTS = sys.argv[1:]
UNSAFE, TYPED = "__ansible_unsafe", "__daytwo_type"
# Plugins may print: only answers go to the standard output.
ANSWERS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

try:
    from ansible.errors import AnsibleError, AnsibleFilterError, AnsibleLookupError, AnsibleUndefinedVariable
    from ansible.plugins import loader as loaders
    from ansible.template import AnsibleUndefined
    from ansible.utils.unsafe_proxy import AnsibleUnsafe, AnsibleUnsafeText

    loaders.init_plugin_loader(ROOTS)
    HAS_ANSIBLE = True
except ImportError:
    sys.path.extend(ROOTS)
    HAS_ANSIBLE = False


def typed(kind, value):
    return {TYPED: kind, "value": value}


def encode(value):
    """A value as JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = str.__str__(value)
        return {UNSAFE: text} if HAS_ANSIBLE and isinstance(value, AnsibleUnsafe) else text
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else typed("int", str(int(value)))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) and value % 1 else typed("float", repr(float(value)))
    if isinstance(value, (bytes, bytearray)):
        return typed("bytes", base64.b64encode(value).decode())
    if isinstance(value, datetime.datetime):
        offset = value.utcoffset()
        civil = value.replace(tzinfo=None).isoformat()
        return typed("datetime", [civil, None if offset is None else int(offset.total_seconds())])
    if isinstance(value, datetime.date):
        return typed("date", value.isoformat())
    if isinstance(value, datetime.timedelta):
        return typed("timedelta", value // datetime.timedelta(microseconds=1))
    if isinstance(value, tuple):
        return typed("tuple", [encode(item) for item in value])
    if isinstance(value, collections.abc.Mapping):
        plain = all(isinstance(encode(key), str) for key in value)
        if plain and UNSAFE not in value and TYPED not in value:
            return {str.__str__(key): encode(item) for key, item in value.items()}
        return typed("dict", [[encode(key), encode(item)] for key, item in value.items()])
    if HAS_ANSIBLE and isinstance(value, AnsibleUndefined):
        return typed("undefined", value._undefined_message)
    if isinstance(value, collections.abc.Iterable):
        return [encode(item) for item in value]
    return str(value)


def decode(value):
    """The value that JSON stands for."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if UNSAFE in value:
        return AnsibleUnsafeText(value[UNSAFE]) if HAS_ANSIBLE else value[UNSAFE]
    if TYPED in value:
        return TYPES[value[TYPED]](value["value"])
    return {key: decode(item) for key, item in value.items()}


def decode_datetime(parts):
    civil, offset = parts
    zone = None if offset is None else datetime.timezone(datetime.timedelta(seconds=offset))
    return datetime.datetime.fromisoformat(civil).replace(tzinfo=zone)


TYPES = {
    "native": str,
    "native_unsafe": lambda text: decode({UNSAFE: text}),
    "int": int,
    "float": float,
    "bytes": base64.b64decode,
    "datetime": decode_datetime,
    "date": datetime.date.fromisoformat,
    "timedelta": lambda micros: datetime.timedelta(microseconds=micros),
    "vault": str,
    "undefined": lambda hint: AnsibleUndefined(hint=hint) if HAS_ANSIBLE else None,
    "tuple": lambda items: tuple(decode(item) for item in items),
    "dict": lambda pairs: {decode(key): decode(item) for key, item in pairs},
}

# The methods that give the plugins of a file, by their kind.
CLASSES = {"filter": ("FilterModule", "filters"), "test": ("TestModule", "tests")}
LOADED = {}


def loaded(file, kind):
    """The functions of a file by their names."""
    known = LOADED.get((file["path"], kind))
    if known is None:
        if file["import"]:
            module = importlib.import_module(file["import"])
        else:
            name = "daytwo_plugin_" + os.path.splitext(os.path.basename(file["path"]))[0]
            spec = importlib.util.spec_from_file_location(name, file["path"])
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        name, method = CLASSES[kind]
        plugins = getattr(module, name, None)
        known = getattr(plugins(), method)() if plugins else {}
        LOADED[(file["path"], kind)] = known
    return known


def names(request):
    found, problems = {}, []
    for file in request["files"]:
        try:
            for name in loaded(file, request["kind"]):
                found.setdefault(name, file)
        except Exception as error:  # noqa: BLE001
            problems.append(f"'{file['path']}' cannot be loaded: {error}")
    return {"value": found, "problems": problems}


def call(request):
    function = loaded(request["file"], request["do"])[request["name"]]
    arguments = [decode(value) for value in request["values"]]
    result = function(*arguments, **{name: decode(value) for name, value in request["named"].items()})
    return {"value": bool(result) if request["do"] == "test" else encode(result)}


def data_loader(request):
    from ansible.parsing.dataloader import DataLoader

    loader = DataLoader()
    loader.set_basedir(request["directory"])
    return loader


def plugin(plugins, file, name, **arguments):
    """An instance of a plugin through Ansible's own loader, which gives it its options."""
    if not file["import"]:
        plugins.add_directory(os.path.dirname(file["path"]))
    found = plugins.get(name, **arguments)
    if found is None:
        raise AnsibleError(f"'{file['path']}' holds no plugin that Ansible can load")
    return found


def lookup(request):
    from ansible.template import Templar

    variables, loader = decode(request["variables"]), data_loader(request)
    templar = Templar(loader, variables=variables)
    found = plugin(loaders.lookup_loader, request["file"], request["name"], loader=loader, templar=templar)
    named = {name: decode(value) for name, value in request["named"].items()}
    return {"value": encode(list(found.run(decode(request["values"]), variables=variables, **named)))}


def action(request):
    from ansible.errors import AnsibleActionFail, AnsibleActionSkip, AnsibleConnectionFailure
    from ansible.playbook.play_context import PlayContext
    from ansible.playbook.task import Task
    from ansible.template import Templar
    from ansible.utils.display import Display

    wanted, variables, loader = request["task"], decode(request["variables"]), data_loader(request)
    Display().verbosity = wanted["verbosity"]
    for directory in request["libraries"]:
        loaders.module_loader.add_directory(directory)
    task = Task()
    task.action, task.args = request["name"], decode(wanted["args"])
    task.check_mode, task.diff, task.async_val = wanted["check"], wanted["diff"], 0
    task.environment = [wanted["environment"]]
    task.get_search_path = lambda: wanted["search_path"]
    surroundings = PlayContext()
    surroundings.check_mode, surroundings.diff = wanted["check"], wanted["diff"]
    connection = loaders.connection_loader.get("local", surroundings, os.devnull)
    connection.set_options(var_options=variables)
    connection._shell.set_options(var_options=variables)
    found = plugin(
        loaders.action_loader,
        request["file"],
        request["name"],
        task=task,
        connection=connection,
        play_context=surroundings,
        loader=loader,
        templar=Templar(loader, variables=variables),
        shared_loader_obj=loaders,
    )
    try:
        result = found.run(task_vars=variables)
    except (AnsibleActionFail, AnsibleActionSkip) as error:
        result = error.result
    except AnsibleConnectionFailure as error:
        result = {"unreachable": True, "msg": str(error)}
    finally:
        found.cleanup()
    return {"value": encode(result)}


def kind_of(error):
    """What daytwo takes an exception for."""
    if HAS_ANSIBLE:
        if isinstance(error, AnsibleUndefinedVariable):
            return "undefined"
        if isinstance(error, (AnsibleFilterError, AnsibleLookupError)):
            return "plugin"
        if isinstance(error, AnsibleError):
            return "ansible"
    return {TypeError: "type", ValueError: "value"}.get(type(error), "exception")


DO = {"names": names, "filter": call, "test": call, "lookup": lookup, "action": action}

for line in sys.stdin:
    request = json.loads(line)
    try:
        if request["do"] in ("lookup", "action") and not HAS_ANSIBLE:
            raise ImportError("plugins of this kind need ansible-core in the image")
        answer = DO[request["do"]](request)
    except Exception as error:  # noqa: BLE001
        answer = {"error": str(error), "kind": kind_of(error)}
    print(json.dumps(answer), file=ANSWERS, flush=True)
