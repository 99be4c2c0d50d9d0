//! The values that a pickle describes, built without calling anything.
//!
//! Every value is made once and referred to by its number: what the pickle fetches from its memo a
//! thousand times is not copied a thousand times, a list that contains itself is no endless loop, and
//! values nested ever so deeply are freed without recursion. So the memory is bounded by the pickle's
//! length, whatever stands in it.
//!
//! # Reference
//!
//! The comments of Python's `Lib/pickletools.py` say what each instruction does to stack and memo.

use std::borrow::Cow;
use std::collections::HashMap;

use super::pickle::{self, Instruction};
use super::torch;
use crate::ImportError;

/// Of Python 3.8 and later.
const LAST_PROTOCOL: u8 = 5;

/// The number of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(usize);

#[derive(Debug)]
pub(super) enum Value<'a> {
    Integer(i64),
    Truth(bool),
    Text(Cow<'a, str>),
    /// Module and name of something in Python.
    Global(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A dictionary made of a list of pairs.
    Pairs(Id),
    Storage(Box<torch::Storage>),
    Tensor(Box<torch::Tensor>),
    /// Anything that no tensor depends on: `None`, floats, devices.
    Other,
}

/// All values of a pickle.
#[derive(Debug)]
pub(super) struct Heap<'a>(Vec<Value<'a>>);

impl<'a> Heap<'a> {
    pub(super) fn get(&self, id: Id) -> &Value<'a> {
        &self.0[id.0]
    }

    pub(super) fn add(&mut self, value: Value<'a>) -> Id {
        self.0.push(value);
        Id(self.0.len() - 1)
    }

    /// The elements of a tuple or a list.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn integer(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// A text, or a number in its place: PyTorch uses both as keys.
    pub(super) fn key(&self, id: Id) -> Option<Cow<'_, str>> {
        match self.get(id) {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Integer(value) => Some(Cow::Owned(value.to_string())),
            _ => None,
        }
    }

    /// What a dictionary holds under a key, if that is yes or no.
    pub(super) fn truth(&self, dict: Id, key: &str) -> Option<bool> {
        let Value::Dict(pairs) = self.get(dict) else { return None };
        let (_, value) = pairs.iter().rfind(|&&(name, _)| self.key(name).as_deref() == Some(key))?;
        match self.get(*value) {
            Value::Truth(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn storages(&self) -> impl Iterator<Item = &torch::Storage> {
        self.0.iter().filter_map(|value| match value {
            Value::Storage(storage) => Some(&**storage),
            _ => None,
        })
    }

    /// What Python calls the value's kind.
    pub(super) fn kind(&self, id: Id) -> &'static str {
        match self.get(id) {
            Value::Integer(_) => "an int",
            Value::Truth(_) => "a bool",
            Value::Text(_) => "a str",
            Value::Global(_) => "a class",
            Value::Tuple(_) => "a tuple",
            Value::List(_) => "a list",
            Value::Dict(_) | Value::Pairs(_) => "a dict",
            Value::Storage(_) => "a storage",
            Value::Tensor(_) => "a tensor",
            Value::Other => "another value",
        }
    }
}

/// Builds the values of a pickle that [`pickle::check`] has let pass, and answers with the outermost one.
pub(super) fn load(pickle: &[u8]) -> Result<(Heap<'_>, Id), ImportError> {
    let mut machine =
        Machine { heap: Heap(Vec::new()), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    let mut rest = pickle;
    loop {
        let instruction = pickle::next(&mut rest)?;
        if instruction.opcode == pickle::STOP {
            let root = machine.pop()?;
            return Ok((machine.heap, root));
        }
        machine.step(instruction)?;
    }
}

struct Machine<'a> {
    heap: Heap<'a>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn step(&mut self, Instruction { opcode, argument }: Instruction<'a>) -> Result<(), ImportError> {
        let value = match opcode {
            0x80 if argument[0] <= LAST_PROTOCOL => return Ok(()),
            0x80 => return Err(refuse("the protocol is not one of Python's")),
            b'K' | b'M' => Value::Integer(number(argument).into()),
            b'J' => Value::Integer(i64::from(number(argument).cast_signed())),
            0x8a => long(argument),
            b'X' | b'U' => Value::Text(String::from_utf8_lossy(argument)),
            pickle::GLOBAL => Value::Global(String::from_utf8_lossy(argument).replacen('\n', ".", 1)),
            0x88 | 0x89 => Value::Truth(opcode == 0x88),
            b'N' | b'G' => Value::Other,
            b')' => Value::Tuple(Vec::new()),
            b']' | 0x8f => Value::List(Vec::new()),
            b'}' => Value::Dict(Vec::new()),
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            b't' => Value::Tuple(self.pop_to_mark()?),
            0x85..=0x87 => Value::Tuple(self.pop_many(usize::from(opcode) - 0x84)?),
            b'q' | b'r' => {
                let top = *self.stack.last().ok_or_else(too_few)?;
                self.memo.insert(number(argument), top);
                return Ok(());
            }
            b'h' | b'j' => {
                let found = self.memo.get(&number(argument)).copied();
                self.stack.push(found.ok_or_else(|| refuse("it fetches what it has not stored"))?);
                return Ok(());
            }
            _ => return self.build(opcode),
        };
        let id = self.heap.add(value);
        self.stack.push(id);
        Ok(())
    }

    /// The instructions that work on values which are there already.
    fn build(&mut self, opcode: u8) -> Result<(), ImportError> {
        match opcode {
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.extend(items)
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.insert(&items)
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.insert(&items)
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = torch::storage(&self.heap, id)?;
                let id = self.heap.add(Value::Storage(Box::new(storage)));
                self.stack.push(id);
                Ok(())
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                let result = torch::call(&mut self.heap, function, arguments)?;
                self.stack.push(result);
                Ok(())
            }
            // Attributes of an object: a state dict's `_metadata`, on which no tensor depends.
            b'b' => self.pop().map(drop),
            _ => Err(ImportError::ForbiddenOpcode { opcode }),
        }
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<(), ImportError> {
        let Value::List(list) = self.top()? else { return Err(refuse("it appends to what is no list")) };
        list.extend(items);
        Ok(())
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), ImportError> {
        let (pairs, []) = items.as_chunks() else { return Err(refuse("a dict has a key without a value")) };
        let Value::Dict(dict) = self.top()? else { return Err(refuse("it sets items of what is no dict")) };
        dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    fn top(&mut self) -> Result<&mut Value<'a>, ImportError> {
        let id = *self.stack.last().ok_or_else(too_few)?;
        Ok(&mut self.heap.0[id.0])
    }

    fn pop(&mut self) -> Result<Id, ImportError> {
        self.pop_many(1).map(|ids| ids[0])
    }

    /// The last values, which must lie above the last mark.
    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, ImportError> {
        let bottom = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= bottom);
        Ok(self.stack.split_off(start.ok_or_else(too_few)?))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, ImportError> {
        let mark = self.marks.pop().ok_or_else(|| refuse("it has a tuple, list or dict without a start"))?;
        Ok(self.stack.split_off(mark))
    }
}

/// An unsigned little-endian number of at most four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

/// A little-endian two's complement number; one that needs more than 64 bits is nothing that is read.
fn long<'a>(bytes: &[u8]) -> Value<'a> {
    if bytes.len() > 8 {
        return Value::Other;
    }
    let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [fill; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Value::Integer(i64::from_le_bytes(wide))
}

pub(super) fn refuse(reason: &str) -> ImportError {
    ImportError::damaged(format!("in its pickle, {reason}"))
}

fn too_few() -> ImportError {
    refuse("an instruction finds too few values")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the pickle comes to, in a notation for tests.
    fn show(pickle: &[u8]) -> String {
        let (heap, root) = load(pickle).unwrap();
        shown(&heap, root)
    }

    fn shown(heap: &Heap<'_>, id: Id) -> String {
        let all = |ids: &[Id]| ids.iter().map(|&id| shown(heap, id)).collect::<Vec<_>>().join(" ");
        match heap.get(id) {
            Value::Integer(value) => value.to_string(),
            Value::Truth(value) => value.to_string(),
            Value::Text(text) => format!("{text:?}"),
            Value::Global(name) => name.clone(),
            Value::Tuple(items) => format!("({})", all(items)),
            Value::List(items) => format!("[{}]", all(items)),
            Value::Dict(pairs) => {
                let pair = |&(key, value): &(Id, Id)| format!("{}:{}", shown(heap, key), shown(heap, value));
                format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(" "))
            }
            Value::Pairs(list) => format!("dict{}", shown(heap, *list)),
            Value::Other => "-".into(),
            Value::Storage(_) | Value::Tensor(_) => panic!("no tensors here"),
        }
    }

    #[test]
    fn numbers_and_texts_are_read() {
        assert_eq!(
            show(b"\x80\x02(K\xffM\x01\x02J\xff\xff\xff\xffNG12345678\x88t."),
            "(255 513 -1 - - true)"
        );
        let longs = show(b"(\x8a\0\x8a\x01\xff\x8a\x03\0\0\x01\x8a\x08\0\0\0\0\0\0\0\x80t.");
        assert_eq!(longs, "(0 -1 65536 -9223372036854775808)");
        assert_eq!(show(b"\x8a\x09123456789."), "-");
        assert_eq!(show(b"X\x02\0\0\0abU\x01\xff\x86."), "(\"ab\" \"\u{FFFD}\")");
    }

    #[test]
    fn containers_are_built() {
        assert_eq!(show(b"](K\x01K\x02eK\x03a."), "[1 2 3]");
        assert_eq!(show(b"}(K\x01K\x02uK\x03K\x04s."), "{1:2 3:4}");
        assert_eq!(show(b"K\x01\x85K\x02\x86K\x03K\x04\x87)\x86."), "((((1) 2) 3 4) ())");
        assert_eq!(show(b"ccollections\nOrderedDict\n)RK\x01K\x02s}b."), "{1:2}");
        assert_eq!(show(b"ccollections\nOrderedDict\n](](K\x01K\x02ee\x85R."), "dict[[1 2]]");
    }

    #[test]
    fn the_memo_refers_and_does_not_copy() {
        // A list that is fetched back while it grows is the same list.
        assert_eq!(show(b"]q\x05K\x01ah\x05r\0\x01\0\0j\0\x01\0\0\x86."), "([1] [1])");
        // 60 lists, each holding the one before twice: 2^60 values if they were copied.
        let mut bomb = b"]q\0".to_vec();
        for level in 0..60 {
            bomb.extend([b']', b'(', b'h', level, b'h', level, b'e', b'q', level + 1]);
        }
        bomb.push(b'.');
        assert_eq!(load(&bomb).unwrap().0.0.len(), 61);
        // A list in itself, and nesting that would overflow the stack of anything recursive.
        load(b"]q\0h\0a.").unwrap();
        load(&[&b"("[..].repeat(100_000), &b"t".repeat(100_000), &b"."[..]].concat()).unwrap();
    }

    #[test]
    fn programs_that_go_wrong_are_refused() {
        for (pickle, reason) in [
            (&b"."[..], "an instruction finds too few values"),
            (b"\x80\x09}.", "the protocol is not one of Python's"),
            (b"K\x01(.", "an instruction finds too few values"),
            (b"K\x01(s.", "an instruction finds too few values"),
            (b"q\0.", "an instruction finds too few values"),
            (b"h\0.", "it fetches what it has not stored"),
            (b"K\x01t.", "it has a tuple, list or dict without a start"),
            (b"K\x01K\x02a.", "it appends to what is no list"),
            (b"](K\x01K\x02u.", "it sets items of what is no dict"),
            (b"}(K\x01u.", "a dict has a key without a value"),
        ] {
            let text = load(pickle).unwrap_err().to_string();
            assert_eq!(text, format!("the checkpoint is damaged or cut off: in its pickle, {reason}"));
        }
        assert_eq!(load(b"K\x010.").unwrap_err(), ImportError::ForbiddenOpcode { opcode: b'0' });
    }
}
