//! What a pickle would call, read without running any of it.
//!
//! A pickle is a list of instructions. This walks over them, knows only how long each one is, and notes
//! which Python names they fetch. What may be fetched, and by which instructions, is what PyTorch's own
//! safe loader (`torch.load(weights_only=True)`) accepts, less the kinds of tensor that no VGG file has.

use crate::ImportError;
use crate::error::printable;

/// Everything that `torch.save` of a state dict writes.
const ALLOWED: [&str; 18] = [
    "collections.OrderedDict",
    "torch.Size",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch.nn.parameter.Parameter",
    "torch.BFloat16Storage",
    "torch.BoolStorage",
    "torch.ByteStorage",
    "torch.CharStorage",
    "torch.DoubleStorage",
    "torch.FloatStorage",
    "torch.HalfStorage",
    "torch.IntStorage",
    "torch.LongStorage",
    "torch.ShortStorage",
    "torch.device",
    "torch.storage.UntypedStorage",
];

/// The instructions of PyTorch's safe loader, as `pickletools` abbreviates them.
const SAFE: &[u8] = b"\x80\x81\x85\x86\x87\x88\x89\x8a\x8fRbaesu(tN)]}JKMGXUQhjqrc.";

pub(super) const STOP: u8 = b'.';
pub(super) const GLOBAL: u8 = b'c';
const INST: u8 = b'i';
const STACK_GLOBAL: u8 = 0x93;
const UNICODE: [u8; 3] = [b'X', 0x8c, 0x8d];

/// What follows an instruction's byte.
enum Argument {
    Bytes(usize),
    /// A little-endian length of so many bytes, then the bytes.
    Counted(usize),
    Lines(usize),
}

const fn argument(opcode: u8) -> Option<Argument> {
    Some(match opcode {
        b'('
        | b'.'
        | b'0'
        | b'1'
        | b'2'
        | b'N'
        | b'R'
        | b'Q'
        | b'b'
        | b'd'
        | b'l'
        | b't'
        | b's'
        | b'a'
        | b')'
        | b']'
        | b'}'
        | b'e'
        | b'u'
        | b'o'
        | 0x81
        | 0x85..=0x89
        | 0x8f..=0x94
        | 0x97
        | 0x98 => Argument::Bytes(0),
        b'K' | b'h' | b'q' | 0x80 | 0x82 => Argument::Bytes(1),
        b'M' | 0x83 => Argument::Bytes(2),
        b'J' | b'j' | b'r' | 0x84 => Argument::Bytes(4),
        b'G' | 0x95 => Argument::Bytes(8),
        b'U' | b'C' | 0x8a | 0x8c => Argument::Counted(1),
        b'X' | b'T' | b'B' | 0x8b => Argument::Counted(4),
        0x8d | 0x8e | 0x96 => Argument::Counted(8),
        b'I' | b'L' | b'F' | b'S' | b'V' | b'g' | b'p' | b'P' => Argument::Lines(1),
        b'c' | b'i' => Argument::Lines(2),
        _ => return None,
    })
}

/// What keeps a pickle from being read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes end in the middle of an instruction, or before the last one.
    CutOff,
    /// A byte that no instruction begins with.
    Unknown(u8),
}

impl From<Fault> for ImportError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::CutOff => Self::damaged("its pickle ends in the middle of an instruction"),
            Fault::Unknown(byte) => Self::damaged(format!("byte {byte:#04x} is no pickle instruction")),
        }
    }
}

/// One step of a pickle's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instruction<'a> {
    pub(super) opcode: u8,
    /// What follows it, without the length that stands before a text and the line feed after a name.
    pub(super) argument: &'a [u8],
}

/// Takes the next instruction off the front.
pub(super) fn next<'a>(rest: &mut &'a [u8]) -> Result<Instruction<'a>, Fault> {
    let opcode = take(rest, 1)?[0];
    let argument = match argument(opcode).ok_or(Fault::Unknown(opcode))? {
        Argument::Bytes(length) => take(rest, length)?,
        Argument::Counted(width) => {
            let mut length = [0; 8];
            length[..width].copy_from_slice(take(rest, width)?);
            let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
            take(rest, length)?
        }
        Argument::Lines(count) => take_lines(rest, count)?,
    };
    Ok(Instruction { opcode, argument })
}

/// The length of the pickle at the front of the bytes.
pub(super) fn length(bytes: &[u8]) -> Result<usize, Fault> {
    let mut rest = bytes;
    while next(&mut rest)?.opcode != STOP {}
    Ok(bytes.len() - rest.len())
}

/// Refuses a pickle that does more than build a state dict.
pub(super) fn check(pickle: &[u8]) -> Result<(), ImportError> {
    let Findings { foreign, is_model, strange } = walk(pickle)?;
    if let Some(name) = foreign {
        let name = printable(&name, 80);
        return Err(if is_model {
            ImportError::WholeModel { class: name }
        } else {
            ImportError::ForbiddenGlobal { name }
        });
    }
    strange.map_or(Ok(()), |opcode| Err(ImportError::ForbiddenOpcode { opcode }))
}

/// What a pickle asks for that no state dict needs.
#[derive(Default)]
struct Findings {
    /// The first name that is not [`ALLOWED`].
    foreign: Option<String>,
    /// Whether a layer of PyTorch's is among the names.
    is_model: bool,
    /// The first instruction that is not [`SAFE`].
    strange: Option<u8>,
}

impl Findings {
    fn add(&mut self, name: String) {
        self.is_model |= name.starts_with("torch.nn.modules.");
        if !ALLOWED.contains(&name.as_str()) && self.foreign.is_none() {
            self.foreign = Some(name);
        }
    }
}

fn walk(pickle: &[u8]) -> Result<Findings, ImportError> {
    let mut rest = pickle;
    let mut findings = Findings::default();
    let mut texts: [&[u8]; 2] = [b"?", b"?"];
    // Longer than any that is allowed; the whole of a long text once for each instruction could be a lot.
    let start = |text: &[u8]| String::from_utf8_lossy(&text[..text.len().min(100)]).into_owned();
    loop {
        let Instruction { opcode, argument } = next(&mut rest)?;
        if !SAFE.contains(&opcode) {
            findings.strange = findings.strange.or(Some(opcode));
        }
        match opcode {
            GLOBAL | INST => findings.add(start(argument).replacen('\n', ".", 1)),
            // The two texts before it, which is how every pickler writes it; this instruction is
            // refused anyway, the names are for the message.
            STACK_GLOBAL => findings.add(texts.map(start).join(".")),
            STOP => break,
            _ if UNICODE.contains(&opcode) => texts = [texts[1], argument],
            _ => {}
        }
    }
    if rest.is_empty() {
        return Ok(findings);
    }
    Err(ImportError::damaged(format!("{} bytes follow the end of its pickle", rest.len())))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Fault> {
    let (taken, after) = rest.split_at_checked(length).ok_or(Fault::CutOff)?;
    *rest = after;
    Ok(taken)
}

/// So many lines, without the last one's line feed.
fn take_lines<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Fault> {
    let feeds = rest.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
    let length = feeds.map(|(at, _)| at).nth(count - 1).unwrap_or(rest.len());
    let lines = take(rest, length)?;
    take(rest, 1)?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(pickle: &[u8]) -> String {
        check(pickle).unwrap_err().to_string()
    }

    #[test]
    fn a_state_dict_passes() {
        check(b"\x80\x02ccollections\nOrderedDict\nq\0)Rq\x01X\x01\0\0\0aK\x05s.").unwrap();
        assert!(ALLOWED.iter().all(|name| name.contains('.')));
    }

    #[test]
    fn calls_are_named_however_they_are_written() {
        let wanted = "the file asks Python to load \"os.system\", which has no place in a state dict; \
                      it was not run";
        assert_eq!(message(b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."), wanted);
        assert_eq!(message(b"(X\x02\0\0\0lsios\nsystem\n."), wanted);
        assert_eq!(message(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R."), wanted);
        assert_eq!(message(b"\x80\x04(cos\nsystem\nX\x02\0\0\0lso."), wanted);
    }

    #[test]
    fn a_pickled_module_is_told_from_an_attack() {
        let text = message(b"\x80\x02c__main__\nNet\n)\x81ctorch.nn.modules.conv\nConv2d\n)\x81.");
        assert_eq!(
            text,
            "the file is a whole pickled model (of the Python class \"__main__.Net\"), not a state dict"
        );
    }

    #[test]
    fn instructions_that_torch_refuses_are_refused() {
        let text = message(b"\x80\x02\x82\x01.");
        assert_eq!(
            text,
            "the file uses pickle instruction 0x82, which PyTorch does not allow in a state dict"
        );
        // An allowed name, fetched by an instruction whose operands are not followed here.
        let harmless = b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93)R.";
        assert!(message(harmless).contains("0x8c"));
    }

    #[test]
    fn long_names_are_not_kept() {
        // 60,000 characters named 60,000 times would be 3.6 GB.
        let text = [&b"X\x60\xea\0\0"[..], &b"x".repeat(60_000)].concat();
        let pickle = [&text[..], &text, &b"\x93".repeat(60_000), b"."].concat();
        assert!(message(&pickle).starts_with("the file asks Python to load \"xxxx"));
    }

    #[test]
    fn pickles_that_end_early_or_late_are_damaged() {
        for pickle in
            [&b""[..], b"\x80", b"X\xff\xff\xff\xff.", b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", b"cos"]
        {
            assert!(message(pickle).contains("ends in the middle of an instruction"), "{pickle:?}");
        }
        assert!(message(b"}.}.").ends_with("2 bytes follow the end of its pickle"));
        assert!(message(b"\xff.").ends_with("byte 0xff is no pickle instruction"));
    }
}
