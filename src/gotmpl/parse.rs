//! Items to the compiled form; the grammar and the complaints are those of Go's
//! `text/template/parse/parse.go`.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{
    Branch, Callee, Command, Declaration, Deep, Expr, ExprKind, FieldName, Function, Node, Pipe, Place,
    Source, Span, Template, TemplateCall,
};
use super::builtins;
use super::lex::{Item, Kind, Lexer};
use super::number::Number;
use super::strconv::{quote, unquote};
use super::{Functions, ParseError, Str};

/// How deep parentheses may be nested; Go's limit.
const DEEPEST_PARENTHESES: usize = 10_000;
/// How deep control structures may be nested; Go has no limit.
const DEEPEST_CONTROL: usize = 10_000;

/// The templates of one text.
pub(crate) struct Unit {
    /// The templates, the text itself among them.
    pub(crate) templates: Vec<Arc<Template>>,
}

impl Unit {
    /// Parses a text under a name.
    pub(crate) fn parse(name: &str, text: &[u8], functions: &Functions) -> Result<Self, ParseError> {
        let complaint =
            |message: &str, line| ParseError { name: name.to_owned(), line, message: message.to_owned() };
        if u32::try_from(text.len()).is_err() {
            return Err(complaint("text of 4 GiB or more", 1));
        }
        let source = Arc::new(Source { name: name.to_owned(), text: text.to_vec() });
        let mut parser = Parser::new(&source, functions);
        match parser.parse() {
            Ok(()) => Ok(Self { templates: parser.templates }),
            Err(message) => Err(complaint(&message, parser.lexer.line(parser.tokens[0].start))),
        }
    }

    /// The template of that name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<&Arc<Template>> {
        self.templates.iter().find(|template| &template.name[..] == name)
    }
}

type Parsed<T> = Result<T, String>;

struct Parser<'a> {
    source: &'a Arc<Source>,
    functions: &'a Functions,
    lexer: Lexer<'a>,
    /// The last items, the latest first, of which `peeked` are to be read again.
    tokens: [Item<'a>; 3],
    peeked: usize,
    templates: Vec<Arc<Template>>,
    names: HashMap<&'a [u8], Str>,
    next_id: u32,
    scope: Scope<'a>,
    control_depth: usize,
}

/// What belongs to one template, not to the text.
#[derive(Default)]
struct Scope<'a> {
    /// The variables that may be named, as Go's parser counts them.
    visible: Vec<&'a [u8]>,
    /// The variables on the stack when the template runs.
    stack: Vec<&'a [u8]>,
    /// Where the current action began.
    action_start: Option<usize>,
    range_depth: usize,
    paren_depth: usize,
}

impl Scope<'_> {
    fn new() -> Self {
        Self { visible: vec![b"$"], stack: vec![b"$"], ..Self::default() }
    }
}

/// What ended a list of nodes.
enum Ending {
    End,
    Else,
}

impl Ending {
    fn text(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

/// A node, or the end of the list that should hold it.
enum Parsable {
    Node(Node),
    Ending(Ending),
}

/// The control structures with a pipeline and a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    If,
    With,
    Range,
}

impl Control {
    fn name(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::With => "with",
            Self::Range => "range",
        }
    }
}

/// Items.
impl<'a> Parser<'a> {
    fn new(source: &'a Arc<Source>, functions: &'a Functions) -> Self {
        let mut lexer = Lexer::new(&source.text);
        lexer.break_keyword = functions.get("break").is_none();
        lexer.continue_keyword = functions.get("continue").is_none();
        let none = Item { kind: Kind::Eof, start: 0, text: b"", error: None };
        Self {
            source,
            functions,
            lexer,
            tokens: [none.clone(), none.clone(), none],
            peeked: 0,
            templates: Vec::new(),
            names: HashMap::new(),
            next_id: 0,
            scope: Scope::new(),
            control_depth: 0,
        }
    }

    fn next(&mut self) -> Item<'a> {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = self.lexer.next_item();
        }
        self.tokens[self.peeked].clone()
    }

    fn back_up(&mut self) {
        self.peeked += 1;
    }

    /// Backs up two items, of which the first was this one.
    fn back_up_2(&mut self, first: Item<'a>) {
        self.tokens[1] = first;
        self.peeked = 2;
    }

    /// Backs up three items, of which the first two were these.
    fn back_up_3(&mut self, first: Item<'a>, second: Item<'a>) {
        self.tokens[1] = second;
        self.tokens[2] = first;
        self.peeked = 3;
    }

    fn peek(&mut self) -> Item<'a> {
        let item = self.next();
        self.peeked += 1;
        item
    }

    fn next_non_space(&mut self) -> Item<'a> {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item<'a> {
        let item = self.next_non_space();
        self.back_up();
        item
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Item<'a>> {
        let item = self.next_non_space();
        if item.kind == kind { Ok(item) } else { Err(self.unexpected(&item, context)) }
    }

    fn unexpected(&self, item: &Item<'a>, context: &str) -> String {
        if item.kind != Kind::Error {
            return format!("unexpected {item} in {context}");
        }
        let mut message = item.to_string();
        let started = self.scope.action_start.map(|start| self.lexer.line(start));
        if let Some(started) = started.filter(|&line| line != self.lexer.line(item.start)) {
            let action = if message.ends_with(" action") { "" } else { " in action" };
            message.push_str(&format!("{action} started at {}:{started}", self.source.name));
        }
        message
    }

    fn place(&mut self, position: usize) -> Place {
        self.next_id += 1;
        Place { id: self.next_id, position: to_u32(position) }
    }

    fn name(&mut self, name: &'a [u8]) -> Str {
        self.names.entry(name).or_insert_with(|| name.into()).clone()
    }
}

/// Templates and lists.
impl<'a> Parser<'a> {
    fn parse(&mut self) -> Parsed<()> {
        let mut body = Vec::new();
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelimiter {
                let delimiter = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.back_up_2(delimiter);
            }
            match self.text_or_action()? {
                Parsable::Node(node) => body.push(node),
                Parsable::Ending(ending) => return Err(format!("unexpected {}", ending.text())),
            }
        }
        let name = self.source.name.as_str().into();
        self.add(name, body)
    }

    /// Adds a template; in one text a name can have only one template that is not empty.
    fn add(&mut self, name: Str, body: Vec<Node>) -> Parsed<()> {
        let empty = body.iter().all(|node| match node {
            Node::Text(span) => is_blank(self.source.slice(*span)),
            _ => false,
        });
        let template = Template { name, source: Arc::clone(self.source), body, empty };
        match self.templates.iter_mut().find(|other| other.name == template.name) {
            None => self.templates.push(Arc::new(template)),
            Some(other) if other.empty => *other = Arc::new(template),
            Some(_) if empty => {}
            Some(_) => {
                let name = quote(&template.name);
                return Err(format!(
                    "template: multiple definition of template {}",
                    String::from_utf8_lossy(&name)
                ));
            }
        }
        Ok(())
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        self.expect(Kind::RightDelimiter, CONTEXT)?;
        self.named_body(name, CONTEXT)?;
        self.scope = outer;
        Ok(())
    }

    fn named_body(&mut self, name: Str, context: &str) -> Parsed<()> {
        let (body, ending) = self.list()?;
        match ending {
            Ending::End => self.add(name, body),
            Ending::Else => Err(format!("unexpected {} in {context}", ending.text())),
        }
    }

    fn template_name(&mut self, item: &Item<'a>, context: &str) -> Parsed<Str> {
        match item.kind {
            Kind::String | Kind::RawString => {
                Ok(unquote(item.text).map_err(|error| error.to_string())?.into())
            }
            _ => Err(self.unexpected(item, context)),
        }
    }

    /// Nodes up to `end` or `else`.
    fn list(&mut self) -> Parsed<(Vec<Node>, Ending)> {
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Parsable::Node(node) => nodes.push(node),
                Parsable::Ending(ending) => return Ok((nodes, ending)),
            }
        }
        Err("unexpected EOF".to_owned())
    }

    fn text_or_action(&mut self) -> Parsed<Parsable> {
        let item = self.next_non_space();
        match item.kind {
            Kind::Text => Ok(Parsable::Node(Node::Text(span(&item)))),
            Kind::LeftDelimiter => {
                self.scope.action_start = Some(item.start);
                let parsed = self.action()?;
                self.scope.action_start = None;
                Ok(parsed)
            }
            _ => Err(self.unexpected(&item, "input")),
        }
    }

    fn action(&mut self) -> Parsed<Parsable> {
        let item = self.next_non_space();
        let node = match item.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.loop_control("{{break}}", Node::Break)?,
            Kind::Continue => self.loop_control("{{continue}}", Node::Continue)?,
            Kind::Else => {
                // `else if` and `else with`: the keyword stays for the caller.
                if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelimiter, "else")?;
                }
                return Ok(Parsable::Ending(Ending::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelimiter, "end")?;
                return Ok(Parsable::Ending(Ending::End));
            }
            Kind::If => self.control(Control::If)?,
            Kind::Range => self.control(Control::Range)?,
            Kind::Template => self.template_call()?,
            Kind::With => self.control(Control::With)?,
            _ => {
                self.back_up();
                Node::Action(self.pipeline("command", Kind::RightDelimiter)?)
            }
        };
        Ok(Parsable::Node(node))
    }

    fn loop_control(&mut self, text: &str, node: Node) -> Parsed<Node> {
        let item = self.next_non_space();
        if item.kind != Kind::RightDelimiter {
            return Err(self.unexpected(&item, text));
        }
        if self.scope.range_depth == 0 {
            return Err(format!("{text} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    fn control(&mut self, control: Control) -> Parsed<Node> {
        if self.control_depth >= DEEPEST_CONTROL {
            return Err("max control structure depth exceeded".to_owned());
        }
        self.control_depth += 1;
        let branch = stacker::maybe_grow(128 << 10, 1 << 20, || self.branch(control))?;
        self.control_depth -= 1;
        let branch = Deep::new(branch);
        Ok(match control {
            Control::If => Node::If(branch),
            Control::With => Node::With(branch),
            Control::Range => Node::Range(branch),
        })
    }

    fn branch(&mut self, control: Control) -> Parsed<Branch> {
        let (visible, stack) = (self.scope.visible.len(), self.scope.stack.len());
        let pipe = self.pipeline(control.name(), Kind::RightDelimiter)?;
        let inner = self.scope.stack.len();
        let in_range = usize::from(control == Control::Range);
        self.scope.range_depth += in_range;
        let (body, ending) = self.list()?;
        self.scope.range_depth -= in_range;
        self.scope.stack.truncate(inner);
        let otherwise = match ending {
            Ending::End => Vec::new(),
            Ending::Else => self.otherwise(control)?,
        };
        self.scope.visible.truncate(visible);
        self.scope.stack.truncate(stack);
        Ok(Branch { pipe, body, otherwise })
    }

    fn otherwise(&mut self, control: Control) -> Parsed<Vec<Node>> {
        let next = self.peek().kind;
        if control == Control::If && next == Kind::If || control == Control::With && next == Kind::With {
            self.next();
            return Ok(vec![self.control(control)?]);
        }
        match self.list()? {
            (nodes, Ending::End) => Ok(nodes),
            (_, ending) => Err(format!("expected end; found {}", ending.text())),
        }
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let place = self.place(item.start);
        let pipe = self.pipeline(CONTEXT, Kind::RightDelimiter)?;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        stacker::maybe_grow(128 << 10, 1 << 20, || self.named_body(name.clone(), CONTEXT))?;
        self.scope = outer;
        Ok(Node::Template(Box::new(TemplateCall { place, name, pipe: Some(pipe) })))
    }

    fn template_call(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let place = self.place(item.start);
        let mut pipe = None;
        if self.next_non_space().kind != Kind::RightDelimiter {
            self.back_up();
            pipe = Some(self.pipeline(CONTEXT, Kind::RightDelimiter)?);
        }
        Ok(Node::Template(Box::new(TemplateCall { place, name, pipe })))
    }
}

/// Pipelines and operands.
impl<'a> Parser<'a> {
    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let start = self.peek_non_space().start;
        let place = self.place(start);
        let (variables, assign) = self.declarations(context)?;
        let mut commands = Vec::new();
        loop {
            let item = self.next_non_space();
            match item.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back_up();
                    commands.push(self.command()?);
                }
                _ => return Err(self.unexpected(&item, context)),
            }
        }
        check_pipeline(&commands, context)?;
        let variables = variables.into_iter().map(|name| self.declare(name, assign)).collect();
        Ok(Pipe { place, variables, assign, commands })
    }

    /// The variables before `:=` or `=`, and whether it is `=`.
    fn declarations(&mut self, context: &str) -> Parsed<(Vec<&'a [u8]>, bool)> {
        let mut variables = Vec::new();
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok((variables, false));
            }
            self.next();
            let after = self.peek();
            let next = self.peek_non_space();
            let declares = matches!(next.kind, Kind::Assign | Kind::Declare);
            let comma = next.kind == Kind::Char && next.text == b",";
            if !declares && !comma {
                if after.kind == Kind::Space {
                    self.back_up_3(variable, after);
                } else {
                    self.back_up_2(variable);
                }
                return Ok((variables, false));
            }
            self.next_non_space();
            variables.push(variable.text);
            self.scope.visible.push(variable.text);
            if declares {
                return Ok((variables, next.kind == Kind::Assign));
            }
            if context != "range" || variables.len() >= 2 {
                return Err(format!("too many declarations in {context}"));
            }
            let follows = self.peek_non_space().kind;
            if !matches!(follows, Kind::Variable | Kind::RightDelimiter | Kind::RightParen) {
                return Err("range can only initialize variables".to_owned());
            }
        }
    }

    /// Puts a declared variable on the stack, or finds the one that is assigned to.
    fn declare(&mut self, name: &'a [u8], assign: bool) -> Declaration {
        let slot = self.slot(name);
        if !assign {
            self.scope.stack.push(name);
        }
        Declaration { name: self.name(name), slot }
    }

    /// Where the variable stands on the stack.
    fn slot(&self, name: &[u8]) -> Option<usize> {
        self.scope.stack.iter().rposition(|variable| *variable == name)
    }

    fn command(&mut self) -> Parsed<Command> {
        let start = self.peek_non_space().start;
        let place = self.place(start);
        let height = self.scope.stack.len();
        let mut operands = Vec::new();
        loop {
            self.peek_non_space();
            operands.extend(self.operand()?);
            let item = self.next();
            match item.kind {
                Kind::Space => {}
                Kind::RightDelimiter | Kind::RightParen => {
                    self.back_up();
                    break;
                }
                Kind::Pipe => break,
                _ => return Err(self.unexpected(&item, "operand")),
            }
        }
        if operands.is_empty() {
            return Err("empty command".to_owned());
        }
        let operand = operands.remove(0);
        let height = Some(self.scope.stack.len()).filter(|&after| after != height);
        Ok(Command { place, operand, args: operands, height })
    }

    /// A term with its fields.
    fn operand(&mut self) -> Parsed<Option<Expr>> {
        let Some(term) = self.term()? else { return Ok(None) };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(term));
        }
        let place = self.place(first.start);
        let mut more = Vec::new();
        while self.peek().kind == Kind::Field {
            let item = self.next();
            more.push(self.field_name(&item));
        }
        let kind = match term.kind {
            ExprKind::Field(mut fields) => {
                fields.extend(more);
                ExprKind::Field(fields)
            }
            ExprKind::Variable { name, slot, mut fields } => {
                fields.extend(more);
                ExprKind::Variable { name, slot, fields }
            }
            ExprKind::Function(_) | ExprKind::Pipe(_) | ExprKind::Chain { .. } => {
                ExprKind::Chain { operand: Deep::new(term), fields: more }
            }
            _ => {
                let mut text = Vec::new();
                super::ast::write_expr(&mut text, self.source, &term);
                return Err(format!("unexpected . after term {}", String::from_utf8_lossy(&quote(&text))));
            }
        };
        Ok(Some(Expr { place, kind }))
    }

    fn field_name(&mut self, item: &Item<'a>) -> FieldName {
        let name = &item.text[1..];
        let method = std::str::from_utf8(name).is_ok_and(|name| self.functions.has_method(name));
        FieldName { name: self.name(name), method }
    }

    fn term(&mut self) -> Parsed<Option<Expr>> {
        let item = self.next_non_space();
        let kind = match item.kind {
            Kind::Identifier => self.function(&item)?,
            Kind::Dot => ExprKind::Dot,
            Kind::Nil => ExprKind::Nil,
            Kind::Variable => self.variable(&item)?,
            Kind::Field => ExprKind::Field(vec![self.field_name(&item)]),
            Kind::Bool => ExprKind::Bool(item.text == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                ExprKind::Number { number: Number::parse(item.text, item.kind)?, text: span(&item) }
            }
            Kind::LeftParen => self.parenthesized()?,
            Kind::String | Kind::RawString => {
                let value = unquote(item.text).map_err(|error| error.to_string())?;
                ExprKind::String { value: value.into(), quoted: span(&item) }
            }
            _ => {
                self.back_up();
                return Ok(None);
            }
        };
        let start = match &kind {
            ExprKind::Pipe(pipe) => pipe.get().map_or(item.start, |pipe| pipe.place.position as usize),
            _ => item.start,
        };
        Ok(Some(Expr { place: self.place(start), kind }))
    }

    fn parenthesized(&mut self) -> Parsed<ExprKind> {
        if self.scope.paren_depth >= DEEPEST_PARENTHESES {
            return Err("max expression depth exceeded".to_owned());
        }
        self.scope.paren_depth += 1;
        let pipe = stacker::maybe_grow(128 << 10, 1 << 20, || {
            self.pipeline("parenthesized pipeline", Kind::RightParen)
        })?;
        self.scope.paren_depth -= 1;
        Ok(ExprKind::Pipe(Deep::new(pipe)))
    }

    fn function(&mut self, item: &Item<'a>) -> Parsed<ExprKind> {
        let name = String::from_utf8_lossy(item.text);
        let callee = self.functions.get(&name).map(|def| Callee::Def(*def));
        let callee = callee
            .or_else(|| builtins::get(&name))
            .ok_or_else(|| format!("function {} not defined", String::from_utf8_lossy(&quote(item.text))))?;
        Ok(ExprKind::Function(Box::new(Function { name: self.name(item.text), callee })))
    }

    fn variable(&mut self, item: &Item<'a>) -> Parsed<ExprKind> {
        if !self.scope.visible.contains(&item.text) {
            let name = quote(item.text);
            return Err(format!("undefined variable {}", String::from_utf8_lossy(&name)));
        }
        let slot = self.slot(item.text);
        Ok(ExprKind::Variable { name: self.name(item.text), slot, fields: Vec::new() })
    }
}

/// Only the first command of a pipeline may be a value without a call.
fn check_pipeline(commands: &[Command], context: &str) -> Parsed<()> {
    if commands.is_empty() {
        return Err(format!("missing value for {context}"));
    }
    let is_value = |command: &Command| {
        use ExprKind::{Bool, Dot, Nil, Number, String};
        matches!(command.operand.kind, Bool(_) | Dot | Nil | Number { .. } | String { .. })
    };
    match commands.iter().skip(1).position(is_value) {
        Some(index) => Err(format!("non executable command in pipeline stage {}", index + 2)),
        None => Ok(()),
    }
}

fn span(item: &Item<'_>) -> Span {
    Span { start: to_u32(item.start), end: to_u32(item.start + item.text.len()) }
}

/// Positions fit: a source is smaller than 4 GiB.
fn to_u32(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// Whether there is only white space, as Go's `bytes.TrimSpace` sees it.
fn is_blank(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.chars().all(char::is_whitespace))
}
