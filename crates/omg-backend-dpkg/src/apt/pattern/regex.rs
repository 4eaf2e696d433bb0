//! POSIX extended regular expressions (`regex(7)`), compiled to a small machine whose states are
//! all followed at once.

/// Longest compiled expression, instructions. `a{200}{200}` stops here.
const LONGEST_PROGRAM: usize = 10_000;
/// Deepest nesting of groups.
const DEEPEST_GROUP: u32 = 50;

#[derive(Debug, Clone)]
enum Step {
    Char(char),
    Any,
    Set { negated: bool, ranges: Vec<(char, char)>, classes: Vec<String> },
    Start,
    End,
    WordBorder(bool),
    Jump(usize),
    Split(usize, usize),
    Accept,
}

/// A compiled expression; case is ignored.
#[derive(Debug, Clone)]
pub(crate) struct Regex {
    program: Vec<Step>,
}

impl Regex {
    /// Compiles an expression.
    pub(crate) fn new(expression: &str) -> Result<Self, &'static str> {
        let text = expression.chars().flat_map(char::to_lowercase).collect();
        let mut compiler = Compiler { text, at: 0, depth: 0 };
        let mut program = compiler.alternatives()?;
        if compiler.at < compiler.text.len() {
            return Err("a ) without a (");
        }
        program.push(Step::Accept);
        Ok(Self { program })
    }

    /// Is it found anywhere in `text`?
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let mut now = Vec::new();
        let mut next = Vec::new();
        let mut seen = vec![usize::MAX; self.program.len()];
        for at in 0..=text.len() {
            // A match may start anywhere, so each place starts one more thread.
            if self.follow(0, at, &text, &mut seen, &mut now) {
                return true;
            }
            let Some(&c) = text.get(at) else { return false };
            for state in now.drain(..) {
                if self.program.get(state).is_some_and(|step| step.takes(c))
                    && self.follow(state + 1, at + 1, &text, &mut seen, &mut next)
                {
                    return true;
                }
            }
            std::mem::swap(&mut now, &mut next);
        }
        false
    }

    /// Adds the states that are reached from `state` without taking a character; true if one of
    /// them accepts.
    fn follow(&self, state: usize, at: usize, text: &[char], seen: &mut [usize], into: &mut Vec<usize>) -> bool {
        let mut open = vec![state];
        while let Some(state) = open.pop() {
            match seen.get_mut(state) {
                Some(mark) if *mark != at => *mark = at,
                _ => continue,
            }
            match self.program.get(state) {
                Some(Step::Accept) => return true,
                Some(Step::Jump(to)) => open.push(*to),
                Some(Step::Split(one, two)) => open.extend([*one, *two]),
                Some(Step::Start) if at == 0 => open.push(state + 1),
                Some(Step::End) if at == text.len() => open.push(state + 1),
                Some(Step::WordBorder(wanted)) if is_border(text, at) == *wanted => open.push(state + 1),
                Some(Step::Char(_) | Step::Any | Step::Set { .. }) => into.push(state),
                _ => {}
            }
        }
        false
    }
}

impl Step {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(wanted) => *wanted == c,
            Self::Any => true,
            Self::Set { negated, ranges, classes } => {
                let found = ranges.iter().any(|&(low, high)| (low..=high).contains(&c))
                    || classes.iter().any(|class| super::in_class(class, c));
                found != *negated
            }
            _ => false,
        }
    }

    fn moved(self, by: usize) -> Self {
        match self {
            Self::Jump(to) => Self::Jump(to + by),
            Self::Split(one, two) => Self::Split(one + by, two + by),
            other => other,
        }
    }
}

fn is_word(c: Option<&char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || *c == '_')
}

fn is_border(text: &[char], at: usize) -> bool {
    is_word(at.checked_sub(1).and_then(|before| text.get(before))) != is_word(text.get(at))
}

struct Compiler {
    text: Vec<char>,
    at: usize,
    depth: u32,
}

type Program = Vec<Step>;

impl Compiler {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        self.at += usize::from(there);
        there
    }

    fn alternatives(&mut self) -> Result<Program, &'static str> {
        let mut program = self.sequence()?;
        while self.eat('|') {
            let other = self.sequence()?;
            let first = program.len();
            let mut joined = vec![Step::Split(1, first + 2)];
            append(&mut joined, program)?;
            joined.push(Step::Jump(first + 2 + other.len()));
            append(&mut joined, other)?;
            program = joined;
        }
        Ok(program)
    }

    fn sequence(&mut self) -> Result<Program, &'static str> {
        let mut program = Vec::new();
        while let Some(c) = self.peek() {
            if c == '|' || (c == ')' && self.depth > 0) {
                break;
            }
            let atom = self.atom()?;
            let repeated = self.repeats(atom)?;
            append(&mut program, repeated)?;
        }
        Ok(program)
    }

    fn repeats(&mut self, mut atom: Program) -> Result<Program, &'static str> {
        loop {
            let (least, most) = match self.peek() {
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('?') => (0, Some(1)),
                Some('{') if self.text.get(self.at + 1).is_some_and(char::is_ascii_digit) => {
                    self.at += 1;
                    let bounds = self.bounds()?;
                    atom = repeat(&atom, bounds.0, bounds.1)?;
                    continue;
                }
                _ => return Ok(atom),
            };
            self.at += 1;
            atom = repeat(&atom, least, most)?;
        }
    }

    fn bounds(&mut self) -> Result<(usize, Option<usize>), &'static str> {
        let least = self.number().unwrap_or(0);
        let most = if self.eat(',') { self.number() } else { Some(least) };
        if !self.eat('}') || most.is_some_and(|most| most < least) || least > 255 || most.is_some_and(|most| most > 255) {
            return Err("a { without proper bounds");
        }
        Ok((least, most))
    }

    fn number(&mut self) -> Option<usize> {
        let mut value = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.at += 1;
            value = Some(value.unwrap_or(0_usize).saturating_mul(10).saturating_add(digit as usize));
        }
        value
    }

    fn atom(&mut self) -> Result<Program, &'static str> {
        let Some(c) = self.peek() else { return Ok(Vec::new()) };
        self.at += 1;
        Ok(vec![match c {
            '(' => return self.group(),
            '[' => self.set()?,
            '.' => Step::Any,
            '^' => Step::Start,
            '$' => Step::End,
            '\\' => self.escape()?,
            plain => Step::Char(plain),
        }])
    }

    fn group(&mut self) -> Result<Program, &'static str> {
        self.depth += 1;
        if self.depth > DEEPEST_GROUP {
            return Err("groups nest too deep");
        }
        let inner = self.alternatives()?;
        self.depth -= 1;
        if self.eat(')') { Ok(inner) } else { Err("a ( without a )") }
    }

    /// What glibc adds to POSIX after a backslash.
    fn escape(&mut self) -> Result<Step, &'static str> {
        let Some(c) = self.peek() else { return Err("a backslash at the end") };
        self.at += 1;
        let set = |negated, class: &str, ranges| Step::Set { negated, ranges, classes: vec![class.to_owned()] };
        Ok(match c {
            'w' => set(false, "alnum", vec![('_', '_')]),
            's' => set(false, "space", Vec::new()),
            'b' | '<' | '>' => Step::WordBorder(true),
            '`' => Step::Start,
            '\'' => Step::End,
            plain => Step::Char(plain),
        })
    }

    fn set(&mut self) -> Result<Step, &'static str> {
        let negated = self.eat('^');
        let (mut ranges, mut classes) = (Vec::new(), Vec::new());
        let mut first = true;
        loop {
            let Some(low) = self.peek() else { return Err("a [ without a ]") };
            self.at += 1;
            if low == ']' && !first {
                return Ok(Step::Set { negated, ranges, classes });
            }
            first = false;
            if low == '[' && self.eat(':') {
                let rest = self.text.get(self.at..).unwrap_or(&[]);
                let len = rest.windows(2).position(|pair| pair == [':', ']']).ok_or("a [: without a :]")?;
                classes.push(rest.get(..len).unwrap_or(&[]).iter().collect());
                self.at += len + 2;
                continue;
            }
            let high = match (self.peek(), self.text.get(self.at + 1)) {
                (Some('-'), Some(&high)) if high != ']' => {
                    self.at += 2;
                    high
                }
                _ => low,
            };
            ranges.push((low, high));
        }
    }
}

fn append(program: &mut Program, more: Program) -> Result<(), &'static str> {
    let by = program.len();
    if by + more.len() > LONGEST_PROGRAM {
        return Err("the expression is too long");
    }
    program.extend(more.into_iter().map(|step| step.moved(by)));
    Ok(())
}

fn repeat(atom: &Program, least: usize, most: Option<usize>) -> Result<Program, &'static str> {
    let mut program = Vec::new();
    for _ in 0..least {
        append(&mut program, atom.clone())?;
    }
    match most {
        None => {
            let mut tail = vec![Step::Split(1, atom.len() + 2)];
            append(&mut tail, atom.clone())?;
            tail.push(Step::Jump(0));
            append(&mut program, tail)?;
        }
        Some(most) => {
            for _ in least..most {
                let mut option = vec![Step::Split(1, atom.len() + 1)];
                append(&mut option, atom.clone())?;
                append(&mut program, option)?;
            }
        }
    }
    Ok(program)
}
