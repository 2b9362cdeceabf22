//! Expressions: pipelines, operands, field chains, calls and the conversion of arguments.

use smallvec::SmallVec;

use super::ast::{
    Callee, Command, Declaration, Expr, ExprKind, FieldName, Function, Pipe, Place, Span, write_expr,
};
use super::builtins;
use super::exec::{Execution, Form, MissingKey, Operand, Outcome, Scope, failure, is_true};
use super::func::{FuncError, Param, Signature};
use super::number::Number;
use super::strconv::quote;
use super::value::{Elem, List, Map, MapType, Object};
use super::{ExecError, FuncDef, Str, Value, fmt};

/// An error tells of this many templates at most, the innermost ones.
const LONGEST_CHAIN: usize = 2000;

/// Converted arguments of a call.
type Arguments = SmallVec<[Value; 4]>;

impl Execution<'_> {
    /// The value of a pipeline, whose variables are declared or assigned.
    pub(super) fn pipe(&mut self, scope: Scope<'_>, pipe: &Pipe) -> Outcome<Operand> {
        self.at = pipe.place.id;
        let Some((first, others)) = pipe.commands.split_first() else { return Ok(Operand::default()) };
        let mut value = self.command(scope, first, None)?.unwrapped();
        for command in others {
            value = self.command(scope, command, Some(value))?.unwrapped();
        }
        for variable in &pipe.variables {
            if pipe.assign {
                self.assign(variable, value.clone())?;
            } else {
                self.variables.push(value.clone());
            }
        }
        Ok(value)
    }

    /// Assigns to a variable that was declared.
    pub(super) fn assign(&mut self, variable: &Declaration, value: Operand) -> Outcome<()> {
        let slot = variable.slot.and_then(|slot| self.variables.get_mut(self.base + slot));
        match slot {
            Some(place) if place.form != Form::Undeclared => *place = value,
            _ => return failure(format!("undefined variable: {}", variable.name)),
        }
        Ok(())
    }

    /// A command; `last` is the value of the one before it in the pipeline, its last argument.
    fn command(&mut self, scope: Scope<'_>, command: &Command, last: Option<Operand>) -> Outcome<Operand> {
        let Command { operand, args, .. } = command;
        match &operand.kind {
            ExprKind::Field(_) | ExprKind::Chain { .. } | ExprKind::Variable { .. } => {
                self.fields(scope, operand, args, last)
            }
            ExprKind::Function(function) => {
                let call =
                    Call { function, place: operand.place, command: command.place, height: command.height };
                self.call(scope, &call, args, last)
            }
            ExprKind::Pipe(pipe) => {
                no_arguments(scope, operand, args, &last)?;
                match pipe.get() {
                    Some(pipe) => stacker::maybe_grow(64 << 10, 1 << 20, || self.pipe(scope, pipe)),
                    None => Ok(Operand::default()),
                }
            }
            kind => {
                self.at = operand.place.id;
                no_arguments(scope, operand, args, &last)?;
                match kind {
                    ExprKind::Dot => Ok(scope.dot.clone()),
                    ExprKind::Nil => failure("nil is not a command"),
                    _ => self.literal(scope, operand).map(Operand::concrete),
                }
            }
        }
    }

    /// A literal where any type will do.
    fn literal(&mut self, scope: Scope<'_>, expr: &Expr) -> Outcome<Value> {
        match &expr.kind {
            ExprKind::Bool(truth) => Ok(Value::Bool(*truth)),
            ExprKind::String { value, .. } => Ok(Value::Str(value.clone())),
            ExprKind::Number { number, text } => constant(scope, number, *text),
            _ => Ok(Value::Nil),
        }
    }

    /// An operand that is not a literal and gets no arguments.
    fn operand(&mut self, scope: Scope<'_>, expr: &Expr) -> Outcome<Operand> {
        self.at = expr.place.id;
        match &expr.kind {
            ExprKind::Dot => Ok(scope.dot.clone()),
            ExprKind::Pipe(pipe) => match pipe.get() {
                Some(pipe) => stacker::maybe_grow(64 << 10, 1 << 20, || self.pipe(scope, pipe)),
                None => Ok(Operand::default()),
            },
            ExprKind::Function(function) => {
                let call = Call { function, place: expr.place, command: expr.place, height: None };
                self.call(scope, &call, &[], None)
            }
            ExprKind::Nil => Ok(Operand::default()),
            ExprKind::Field(_) | ExprKind::Variable { .. } | ExprKind::Chain { .. } => {
                self.fields(scope, expr, &[], None)
            }
            ExprKind::Bool(_) | ExprKind::Number { .. } | ExprKind::String { .. } => {
                self.literal(scope, expr).map(Operand::concrete)
            }
        }
    }
}

/// Go's `idealConstant`: the type of a number literal where any type will do.
fn constant(scope: Scope<'_>, number: &Number, text: Span) -> Outcome<Value> {
    let text = scope.template.source.slice(text);
    match number {
        Number { complex: Some(complex), .. } => Ok(Value::Object(std::rc::Rc::new(*complex))),
        Number { float: Some(float), .. } if number.is_float_literal(text) => Ok(Value::Float(*float)),
        Number { int: Some(int), .. } => Ok(Value::Int(*int)),
        _ => failure(format!("{} overflows int", String::from_utf8_lossy(text))),
    }
}

fn no_arguments(scope: Scope<'_>, operand: &Expr, args: &[Expr], last: &Option<Operand>) -> Outcome<()> {
    if args.is_empty() && last.is_none() {
        return Ok(());
    }
    failure(format!("can't give argument to non-function {}", text_of(scope, operand)))
}

/// How Go writes a node.
fn text_of(scope: Scope<'_>, expr: &Expr) -> String {
    let mut text = Vec::new();
    write_expr(&mut text, &scope.template.source, expr);
    String::from_utf8_lossy(&text).into_owned()
}

/// Field chains.
impl Execution<'_> {
    /// The variable in a place, if its declaration was evaluated.
    fn variable(&self, slot: Option<usize>) -> Option<&Operand> {
        let variable = self.variables.get(self.base + slot?)?;
        (variable.form != Form::Undeclared).then_some(variable)
    }

    /// Looks at the value of a pipeline that is only a field or variable where it stands; `None` when
    /// the pipeline is anything else.
    pub(super) fn in_place<R>(
        &mut self,
        scope: Scope<'_>,
        pipe: &Pipe,
        look: impl FnOnce(&mut Vec<u8>, &Value) -> R,
    ) -> Option<R> {
        let [Command { operand, args, .. }] = pipe.commands.as_slice() else { return None };
        if !args.is_empty() || !pipe.variables.is_empty() {
            return None;
        }
        self.at = operand.place.id;
        match &operand.kind {
            ExprKind::Field(fields) => {
                let out = &mut self.out;
                follow(&scope.dot.value, fields, |value, _| look(out, value))
            }
            ExprKind::Variable { slot, fields, .. } => {
                let variable = self.variables.get(self.base + (*slot)?)?;
                let out = &mut self.out;
                match variable.form {
                    Form::Undeclared => None,
                    _ if fields.is_empty() => Some(look(out, &variable.value)),
                    _ => follow(&variable.value, fields, |value, _| look(out, value)),
                }
            }
            _ => None,
        }
    }

    /// A field, variable or chain; arguments go to the method at its end.
    fn fields(
        &mut self,
        scope: Scope<'_>,
        expr: &Expr,
        args: &[Expr],
        last: Option<Operand>,
    ) -> Outcome<Operand> {
        self.at = expr.place.id;
        let plain = args.is_empty() && last.is_none();
        match &expr.kind {
            ExprKind::Field(fields) => {
                if plain && let Some(value) = follow(&scope.dot.value, fields, found) {
                    return Ok(value);
                }
                self.chain(scope, expr.place, scope.dot.clone(), fields, args, last)
            }
            ExprKind::Variable { name, slot, fields } => {
                let Some(variable) = self.variable(*slot) else {
                    return failure(format!("undefined variable: {name}"));
                };
                if fields.is_empty() {
                    let value = variable.clone();
                    no_arguments(scope, expr, args, &last)?;
                    return Ok(value);
                }
                if plain && let Some(value) = follow(&variable.value, fields, found) {
                    return Ok(value);
                }
                let start = variable.clone();
                self.chain(scope, expr.place, start, fields, args, last)
            }
            ExprKind::Chain { operand, fields } => {
                let start = match operand.get() {
                    Some(operand) => self.operand(scope, operand)?,
                    None => Operand::default(),
                };
                self.chain(scope, expr.place, start, fields, args, last)
            }
            _ => self.operand(scope, expr),
        }
    }

    fn chain(
        &mut self,
        scope: Scope<'_>,
        place: Place,
        start: Operand,
        fields: &[FieldName],
        args: &[Expr],
        last: Option<Operand>,
    ) -> Outcome<Operand> {
        let Some((end, between)) = fields.split_last() else { return Ok(start) };
        let mut receiver = start;
        for field in between {
            receiver = self.field(scope, place, receiver, field, &[], None)?;
        }
        self.field(scope, place, receiver, end, args, last)
    }

    /// One step of a chain: a method, a field or a key.
    fn field(
        &mut self,
        scope: Scope<'_>,
        place: Place,
        receiver: Operand,
        field: &FieldName,
        args: &[Expr],
        last: Option<Operand>,
    ) -> Outcome<Operand> {
        let has_args = !args.is_empty() || last.is_some();
        let name = &field.name;
        match &receiver.value {
            Value::Nil if receiver.is_interface() => {
                return failure(format!("nil pointer evaluating interface {{}}.{name}"));
            }
            Value::Nil => {
                return match self.missing_key {
                    MissingKey::Zero => Ok(Operand::default()),
                    MissingKey::Error => failure(format!("nil data; no entry for key {}", quoted(name))),
                };
            }
            Value::Map(map) => {
                let method = field.method.then(|| self.method(map.ty, name)).flatten();
                if let Some(method) = method {
                    return self.map_method(scope, place, map, method, args, last);
                }
                if has_args {
                    return failure(format!("{name} is not a method but has arguments"));
                }
                return self.entry(map, name);
            }
            Value::Object(object) => {
                if let Some(value) = self.object_member(scope, place, object.as_ref(), name, args, last)? {
                    return Ok(value);
                }
            }
            _ => {}
        }
        let type_name = match receiver.is_interface() {
            true => "interface {}".into(),
            false => fmt::type_name(&receiver.value),
        };
        failure(format!("can't evaluate field {name} in type {type_name}"))
    }

    fn entry(&self, map: &Map, name: &Str) -> Outcome<Operand> {
        let interface = map.ty != MapType::Str;
        match map.entry(name) {
            Some(value) => Ok(Operand::element(value, interface)),
            None if self.missing_key == MissingKey::Error => {
                failure(format!("map has no entry for key {}", quoted(name)))
            }
            None if interface => Ok(Operand::element(Value::Nil, true)),
            None => Ok(Operand::concrete(Value::Str("".into()))),
        }
    }

    fn method(&self, ty: MapType, name: &[u8]) -> Option<FuncDef> {
        let name = std::str::from_utf8(name).ok()?;
        self.set.functions().method(ty, name).copied()
    }

    fn map_method(
        &mut self,
        scope: Scope<'_>,
        place: Place,
        map: &Map,
        method: FuncDef,
        args: &[Expr],
        last: Option<Operand>,
    ) -> Outcome<Operand> {
        let signature = Signature { params: method.params, variadic: method.variadic };
        let mut arguments = self.arguments(scope, method.name, signature, args, last)?;
        arguments.insert(0, Value::Map(map.clone()));
        let result = (method.call)(self, &arguments);
        self.returned(place, method.name, result)
    }

    /// A method or field of an object; `None` when it has neither.
    fn object_member(
        &mut self,
        scope: Scope<'_>,
        place: Place,
        object: &dyn Object,
        name: &[u8],
        args: &[Expr],
        last: Option<Operand>,
    ) -> Outcome<Option<Operand>> {
        let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
        let signature = object.method(name);
        if signature.is_none()
            && let Some(field) = object.field(name)
        {
            if !args.is_empty() || last.is_some() {
                return failure(format!("{name} has arguments but cannot be invoked as function"));
            }
            let interface = matches!(field, Value::Nil);
            return Ok(Some(Operand::element(field, interface)));
        }
        const UNCHECKED: Signature = Signature { params: &[], variadic: Some(Param::Any) };
        let arguments = self.arguments(scope, name, signature.unwrap_or(UNCHECKED), args, last)?;
        match object.call(name, &arguments) {
            Some(result) => self.returned(place, name, result).map(Some),
            None => Ok(None),
        }
    }
}

/// Follows a chain through plain map entries without touching a reference count; `None` when there is
/// anything else on the way.
pub(super) fn follow<R>(
    start: &Value,
    fields: &[FieldName],
    found: impl FnOnce(&Value, bool) -> R,
) -> Option<R> {
    let (field, rest) = fields.split_first()?;
    let Value::Map(map) = start else { return None };
    if field.method {
        return None;
    }
    let entries = map.borrow();
    let value = entries.get(&field.name)?;
    if rest.is_empty() { Some(found(value, map.ty != MapType::Str)) } else { follow(value, rest, found) }
}

fn found(value: &Value, interface: bool) -> Operand {
    Operand::element(value.clone(), interface)
}

fn quoted(text: &[u8]) -> String {
    String::from_utf8_lossy(&quote(text)).into_owned()
}

/// A call of a function in a template.
struct Call<'c> {
    function: &'c Function,
    /// The function's name.
    place: Place,
    /// The whole command.
    command: Place,
    /// The height of the variable stack after the arguments, when they declare variables.
    height: Option<usize>,
}

/// Calls.
impl Execution<'_> {
    fn call(
        &mut self,
        scope: Scope<'_>,
        call: &Call<'_>,
        args: &[Expr],
        last: Option<Operand>,
    ) -> Outcome<Operand> {
        self.at = call.place.id;
        let name = &call.function.name;
        match call.function.callee {
            Callee::Def(def) => {
                let signature = Signature { params: def.params, variadic: def.variadic };
                let arguments = self.arguments(scope, def.name, signature, args, last)?;
                let result = (def.call)(self, &arguments);
                self.returned(call.command, def.name, result)
            }
            Callee::And => self.shortcut(scope, call, args, last, false),
            Callee::Or => self.shortcut(scope, call, args, last, true),
            Callee::Call => {
                let written = args.first().map(|arg| text_of(scope, arg));
                let signature = Signature { params: &[Param::Reflect], variadic: Some(Param::Reflect) };
                let arguments = self.arguments(scope, "call", signature, args, last)?;
                let callee = arguments.first().unwrap_or(&Value::Nil);
                self.returned(call.command, "call", Err(builtins::not_callable(written, callee)))
            }
            Callee::Len => {
                let count = args.len() + usize::from(last.is_some());
                if count != 1 {
                    return failure(format!("wrong number of args for {name}: want 1 got {count}"));
                }
                let value = match (args.first(), last) {
                    (Some(arg), _) => self.operand(scope, arg)?,
                    (None, last) => last.unwrap_or_default(),
                };
                let length = match &value {
                    Operand { value: Value::Nil, form: Form::Concrete } => {
                        Err("reflect: call of reflect.Value.Type on zero Value".into())
                    }
                    value => builtins::length(&value.value).map(Value::Int),
                };
                self.returned(call.command, "len", length)
            }
        }
    }

    /// Go's `and` and `or`: the first argument whose truth is `decisive`, or the last.
    fn shortcut(
        &mut self,
        scope: Scope<'_>,
        call: &Call<'_>,
        args: &[Expr],
        last: Option<Operand>,
        decisive: bool,
    ) -> Outcome<Operand> {
        if args.is_empty() && last.is_none() {
            let name = &call.function.name;
            return failure(format!("wrong number of args for {name}: want at least 1 got 0"));
        }
        let mut value = Operand::default();
        let mut decided = false;
        for arg in args {
            value = self.operand(scope, arg)?;
            decided = is_true(&value.value) == decisive;
            if decided {
                break;
            }
        }
        if let Some(height) = call.height {
            // Variables that skipped arguments would have declared keep their places.
            let undeclared = Operand { value: Value::Nil, form: Form::Undeclared };
            self.variables.resize((self.base + height).max(self.variables.len()), undeclared);
        }
        match last {
            Some(last) if !decided => Ok(last),
            _ => Ok(value),
        }
    }

    /// What a call gave; its failure is reported at `place`.
    fn returned(&mut self, place: Place, name: &str, result: Result<Value, FuncError>) -> Outcome<Operand> {
        match result {
            Ok(value) => {
                // Only a function that returns an interface can return nil.
                let interface = matches!(value, Value::Nil);
                Ok(Operand::element(value, interface))
            }
            Err(error) => {
                self.at = place.id;
                let FuncError { message, cause } = error;
                if let Some(cause) = cause {
                    if cause.chain().count() >= LONGEST_CHAIN {
                        return Err(cause);
                    }
                    let message = format!("error calling {name}: {message}");
                    return Err(Box::new(ExecError { frame: None, message, cause: Some(cause) }));
                }
                failure(format!("error calling {name}: {message}"))
            }
        }
    }

    /// Counts, evaluates and converts the arguments of a call.
    fn arguments(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        signature: Signature,
        args: &[Expr],
        last: Option<Operand>,
    ) -> Outcome<Arguments> {
        let Signature { params, variadic } = signature;
        let (fixed, count) = (params.len(), args.len() + usize::from(last.is_some()));
        if variadic.is_some() && count < fixed {
            let given = args.len();
            return failure(format!("wrong number of args for {name}: want at least {fixed} got {given}"));
        }
        if variadic.is_none() && count != fixed {
            return failure(format!("wrong number of args for {name}: want {fixed} got {count}"));
        }
        let param = |index: usize| params.get(index).copied().or(variadic).unwrap_or(Param::Any);
        let mut arguments = Arguments::with_capacity(count);
        for (index, arg) in args.iter().enumerate() {
            arguments.push(self.argument(scope, param(index), arg)?);
        }
        if let Some(last) = last {
            arguments.push(converted(last, param(count - 1))?);
        }
        Ok(arguments)
    }

    fn argument(&mut self, scope: Scope<'_>, param: Param, arg: &Expr) -> Outcome<Value> {
        self.at = arg.place.id;
        let expected = |what: &str| failure(format!("expected {what}; found {}", text_of(scope, arg)));
        let is_literal =
            matches!(arg.kind, ExprKind::Bool(_) | ExprKind::Number { .. } | ExprKind::String { .. });
        match (&arg.kind, param) {
            (ExprKind::Nil, Param::Any | Param::Reflect | Param::Map | Param::List | Param::StrList) => {
                converted(Operand::default(), param)
            }
            (ExprKind::Nil, _) => failure(format!("cannot assign nil to {}", param.type_name())),
            (ExprKind::Field(fields), Param::Any | Param::Reflect) => {
                match follow(&scope.dot.value, fields, |value, _| value.clone()) {
                    Some(value) => Ok(value),
                    None => Ok(self.operand(scope, arg)?.value),
                }
            }
            _ if !is_literal => converted(self.operand(scope, arg)?, param),
            (_, Param::Any | Param::Reflect) => self.literal(scope, arg),
            (ExprKind::Bool(truth), Param::Bool) => Ok(Value::Bool(*truth)),
            (_, Param::Bool) => expected("bool"),
            (ExprKind::String { value, .. }, Param::Str) => Ok(Value::Str(value.clone())),
            (_, Param::Str) => expected("string"),
            (ExprKind::Number { number: Number { float: Some(float), .. }, .. }, Param::Float) => {
                Ok(Value::Float(*float))
            }
            (_, Param::Float) => expected("float"),
            (ExprKind::Number { number: Number { int: Some(int), .. }, .. }, Param::Int) => {
                Ok(Value::Int(*int))
            }
            (ExprKind::Number { number: Number { int: Some(int), .. }, .. }, Param::Int64) => {
                Ok(Value::Int64(*int))
            }
            (_, Param::Int | Param::Int64) => expected("integer"),
            (ExprKind::Number { number: Number { uint: Some(uint), .. }, .. }, Param::Uint32) => {
                Ok(Value::Uint64(uint & u64::from(u32::MAX)))
            }
            (_, Param::Uint32) => expected("unsigned integer"),
            (_, Param::Map | Param::List | Param::StrList | Param::Object(_)) => {
                failure(format!("can't handle {} for arg of type {}", text_of(scope, arg), param.type_name()))
            }
        }
    }
}

/// Go's `validateType`: a value as an argument of a type, if it may be assigned to it.
fn converted(operand: Operand, param: Param) -> Outcome<Value> {
    let interface = operand.is_interface();
    match (param, operand.value) {
        (Param::Any | Param::Reflect, value) => Ok(value),
        (Param::Map, Value::Nil) if !interface => Ok(Value::Map(Map::nil(MapType::Any))),
        (Param::List, Value::Nil) if !interface => Ok(Value::List(List::nil(Elem::Any))),
        (Param::StrList, Value::Nil) if !interface => Ok(Value::List(List::nil(Elem::Str))),
        (param, Value::Nil) if !interface => {
            failure(format!("invalid value; expected {}", param.type_name()))
        }
        (Param::Str, value @ Value::Str(_))
        | (Param::Bool, value @ Value::Bool(_))
        | (Param::Int, value @ Value::Int(_))
        | (Param::Int64, value @ Value::Int64(_))
        | (Param::Float, value @ Value::Float(_)) => Ok(value),
        (Param::Map, Value::Map(map)) if map.ty == MapType::Any => Ok(Value::Map(map)),
        (Param::Map, Value::Map(map)) if map.ty == MapType::Values => {
            Ok(Value::Map(map.with_type(MapType::Any)))
        }
        (Param::Object(name), Value::Object(object)) if object.type_name() == name => {
            Ok(Value::Object(object))
        }
        (Param::List, Value::List(list)) if list.elem == Elem::Any => Ok(Value::List(list)),
        (Param::StrList, Value::List(list)) if list.elem == Elem::Str => Ok(Value::List(list)),
        (param, value) => {
            let got = match value {
                Value::Nil => "interface {}".into(),
                ref value => fmt::type_name(value),
            };
            failure(format!("wrong type for value; expected {}; got {got}", param.type_name()))
        }
    }
}
