//! Hostile and odd PyTorch files: what lies in a zip archive, or pretends to.

use crate::case::{Case, Expect};
use crate::pickle::{View, dictionary, integer, pickle, protocol, state_dict, text, tuple};
use crate::pytorch_network::{self, Checkpoint};
use crate::zip::{Entry, archive};
use Expect::{NotVgg, Refused};

pub(crate) fn cases() -> Vec<Case> {
    let groups = [containers, gadgets, archives, tensors, values, pickles, tars, pytorch_network::cases];
    groups.into_iter().flat_map(|group| group()).collect()
}

fn case(name: &str, bytes: Vec<u8>, expect: Expect, what: &str) -> Case {
    Case::new(name, bytes, expect, what)
}

fn four() -> Vec<u8> {
    [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// An archive of a pickle, the storage "0" and the version.
fn checkpoint(pickle: &[u8], storage: Vec<u8>, more: &[Entry]) -> Vec<u8> {
    let mut entries = vec![
        Entry::stored("archive/data.pkl", pickle),
        Entry::stored("archive/data/0", storage),
        Entry::stored("archive/version", *b"3\n"),
    ];
    entries.extend(more.iter().cloned());
    archive(&entries)
}

fn around(pickle: &[u8]) -> Vec<u8> {
    checkpoint(pickle, four(), &[])
}

/// One tensor under a name.
fn one(name: &str, view: &View) -> Vec<u8> {
    state_dict(&[(name, view.pickled())])
}

fn square() -> View {
    View::new(&[2, 2], &[2, 1])
}

/// A state dict of one 2 x 2 tensor: a good file, but no VGG network.
fn good_pickle() -> Vec<u8> {
    one("features.0.weight", &square())
}

fn containers() -> Vec<Case> {
    let good = around(&good_pickle());
    let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:";
    let lfs = format!("{lfs}{}\nsize 574673361\n", "0".repeat(64));
    let html = b"<!DOCTYPE html><html>Access denied</html>".to_vec();
    vec![
        case("good.pth", good.clone(), NotVgg, "one tensor, too small for a VGG"),
        case("zero.pth", Vec::new(), Refused("empty"), "0 bytes"),
        case("trunc_half.pth", good[..good.len() / 2].to_vec(), Refused(""), "zip cut in half"),
        case("trunc_1.pth", good[..good.len() - 1].to_vec(), Refused(""), "zip one byte short"),
        case("html.pth", html, Refused("web page"), "web error page saved as .pth"),
        case("lfs.pth", lfs.into_bytes(), Refused("Git LFS"), "Git LFS pointer"),
    ]
}

const COMMAND: &str = "touch PWNED";

/// Ways to make Python run a command, each with the name that the refusal has to give.
fn evil() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let argument = text(COMMAND);
    let short = [&[0x8c, COMMAND.len() as u8], COMMAND.as_bytes()].concat();
    let posix = [b"\x8c\x05posix\x8c\x06system\x93", &short[..], b"\x85R"].concat();
    let eval = tuple(&[text(&format!("__import__(\"os\").system(\"{COMMAND}\")"))]);
    let attribute =
        [&b"cbuiltins\ngetattr\n"[..], &tuple(&[b"cos\n__dict__\n".to_vec(), text("system")]), b"R"];
    vec![
        ("os_system", [b"cos\nsystem\n(", &argument[..], b"tR"].concat(), "os.system"),
        ("posix_stackglobal", posix, "posix.system"),
        ("builtins_eval", [b"cbuiltins\neval\n", &eval[..], b"R"].concat(), "builtins.eval"),
        (
            "newobj_popen",
            [b"csubprocess\nPopen\n", &tuple(std::slice::from_ref(&argument))[..], b"\x81"].concat(),
            "subprocess.Popen",
        ),
        ("build_setstate", b"c__main__\nX\n)\x81}(X\x06\0\0\0systemcos\nsystem\nub".to_vec(), "__main__.X"),
        ("runpy", [b"crunpy\n_run_code\n", &tuple(&[text("1")])[..], b"R"].concat(), "runpy._run_code"),
        ("inst_opcode", [b"(", &argument[..], b"ios\nsystem\n"].concat(), "os.system"),
        ("obj_opcode", [b"(cos\nsystem\n", &argument[..], b"o"].concat(), "os.system"),
        ("ext_registry", b"\x82\x01".to_vec(), "0x82"),
        (
            "torch_load_inner",
            [b"ctorch.serialization\nload\n", &tuple(&[text("x")])[..], b"R"].concat(),
            "torch.serialization.load",
        ),
        ("getattr_chain", attribute.concat(), "builtins.getattr"),
    ]
}

fn gadgets() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, instructions, says) in evil() {
        let items = [(text("a"), instructions.clone()), (text("features.0.weight"), square().pickled())];
        let within = around(&protocol(4, &dictionary(&items)));
        let what = format!("runs a command: {name}");
        cases.push(Case::new(format!("evil_{name}.pth"), within, Refused(says), what));
        let what = format!("runs a command: {name}, as a bare pickle");
        cases.push(Case::new(format!("evilraw_{name}.pth"), protocol(4, &instructions), Refused(""), what));
        let real = Checkpoint::with(|checkpoint| checkpoint.more = vec![("a", instructions)]);
        let what = format!("runs a command: {name}, beside a whole network");
        cases.push(Case::new(format!("evilvgg_{name}.pth"), real, Refused(says), what));
    }
    cases
}

fn os_system() -> Vec<u8> {
    evil().swap_remove(0).1
}

fn archives() -> Vec<Case> {
    let good = good_pickle();
    let evil = state_dict(&[("x", os_system())]);
    let with = |more: &[Entry]| checkpoint(&good, four(), more);
    let traversal = one("w", &View { key: "../../../../etc/passwd".into(), ..square() });
    let no_pickle =
        archive(&[Entry::stored("archive/data/0", four()), Entry::stored("archive/version", *b"3\n")]);
    let pickle_bomb = archive(&[Entry::bomb("archive/data.pkl", b"\x80\x02", b"N0", 800_000)]);
    let huge = View { count: 1 << 26, ..View::new(&[1 << 26], &[1]) };
    let storage_bomb = archive(&[
        Entry::stored("archive/data.pkl", one("w", &huge)),
        Entry::bomb("archive/data/0", &[], &[0], 1_040_448),
    ]);
    let slip = [Entry::stored("../../../../tmp/PWNED", *b"x"), Entry::stored("/etc/PWNED", *b"x")];
    vec![
        case(
            "trailing_pickle.pth",
            [pickle(b"}"), pickle(&os_system())].concat(),
            Refused(""),
            "second pickle after the end of the first",
        ),
        case(
            "two_datapkl.pth",
            with(&[Entry::stored("archive/data.pkl", evil)]),
            Refused("same name"),
            "two entries of one name: readers differ in which one they take",
        ),
        case(
            "two_roots.pth",
            with(&[Entry::stored("a/data.pkl", pickle(b"}"))]),
            Refused("data.pkl"),
            "two entries data.pkl: nobody can say which one is meant",
        ),
        case("nopkl.pth", no_pickle, Refused("data.pkl"), "no data.pkl"),
        case(
            "slip.pth",
            with(&slip),
            NotVgg,
            "entries that lie outside of the archive: nothing is extracted",
        ),
        case("key_traversal.pth", around(&traversal), Refused(""), "storage key is a path"),
        case("bomb_pkl.pth", pickle_bomb, Refused("compressed"), "data.pkl inflates to 200 MB"),
        case("bomb_storage.pth", storage_bomb, Refused("compressed"), "256 MiB tensor deflated to 1.7 MB"),
    ]
}

fn tensors() -> Vec<Case> {
    let expand = one("features.0.weight", &View::new(&[1 << 31], &[0]));
    let many: Vec<_> = (0..64).map(|place| format!("w{place}")).collect();
    let many: Vec<_> = many.iter().map(|name| (&name[..], View::new(&[1 << 26], &[0]).pickled())).collect();
    let mut cases = vec![
        case("expand_8g.pth", around(&expand), Refused(""), "stride-0 view: 8 GiB out of a file of 1 kB"),
        case("expand_many.pth", around(&state_dict(&many)), Refused(""), "64 views of 256 MiB in 20 kB"),
    ];
    let views: [(&str, &[i64], &[i64], i64); 9] = [
        ("neg_shape", &[-2, 2], &[2, 1], 0),
        ("neg_stride", &[2, 2], &[-2, 1], 0),
        ("neg_off", &[2, 2], &[2, 1], -1),
        ("off_oob", &[2, 2], &[2, 1], 9),
        ("shape_oob", &[200, 200], &[200, 1], 0),
        ("shape_ovf", &[1 << 62, 8], &[8, 1], 0),
        ("rank", &[2, 2], &[1], 0),
        ("zero_dim", &[0, 3], &[3, 1], 0),
        ("rank65", &[1; 65], &[1; 65], 0),
    ];
    for (name, shape, strides, offset) in views {
        let view = View { offset, ..View::new(shape, strides) };
        let what = format!("tensor metadata: {name}");
        cases.push(Case::new(format!("{name}.pth"), around(&one("w", &view)), Refused(""), what));
    }
    cases
}

fn values() -> Vec<Case> {
    let of = |storage| View { storage, ..square() };
    let with = |view: &View, bytes: Vec<u8>| checkpoint(&one("w", view), bytes, &[]);
    let nan = [f32::NAN, 1.0, f32::INFINITY, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let doubles = [1.0_f64, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let complex = View { storage: "ComplexFloatStorage", ..View::new(&[2], &[1]) };
    let big = checkpoint(&good_pickle(), four(), &[Entry::stored("archive/byteorder", *b"big")]);
    let mut flipped = around(&good_pickle());
    let place = flipped.windows(16).position(|window| window == four()).unwrap();
    flipped[place + 12] ^= 1;
    let twice = [(text("w"), square().pickled()), (text("w"), View::new(&[4], &[1]).pickled())];
    let number = [(integer(1), square().pickled()), (text("1"), View::new(&[4], &[1]).pickled())];
    vec![
        case("nan.pth", checkpoint(&good_pickle(), nan, &[]), Refused(""), "NaN and infinity"),
        case("f16.pth", with(&of("HalfStorage"), b"\0<".repeat(4)), NotVgg, "f16"),
        case("bf16.pth", with(&of("BFloat16Storage"), b"\x80?".repeat(4)), NotVgg, "bf16"),
        case("f64.pth", with(&of("DoubleStorage"), doubles), NotVgg, "f64"),
        case("i8.pth", with(&of("CharStorage"), b"\x01\x02\x03\x04".to_vec()), Refused(""), "int8"),
        case("cplx.pth", around(&one("w", &complex)), Refused("ComplexFloatStorage"), "complex"),
        case(
            "cuda_loc.pth",
            around(&one("w", &View { device: "cuda:7", ..square() })),
            NotVgg,
            "saved on cuda:7",
        ),
        case("bigendian.pth", big, Refused(""), "big endian"),
        case("noncontig.pth", around(&one("w", &View::new(&[2, 2], &[1, 2]))), NotVgg, "transposed view"),
        case(
            "short_storage.pth",
            checkpoint(&good_pickle(), vec![0; 8], &[]),
            Refused(""),
            "storage shorter than declared",
        ),
        case("crc.pth", flipped, Refused(""), "flipped bit"),
        case("dupkey.pth", around(&pickle(&dictionary(&twice))), Refused(""), "key twice"),
        case("intstr.pth", around(&pickle(&dictionary(&number))), Refused(""), "keys 1 and \"1\""),
    ]
}

fn pickles() -> Vec<Case> {
    let mut laughs = b"](KKe]q\0".to_vec();
    for level in 0..60 {
        laughs.extend([b']', b'(', b'h', level, b'h', level, b'e', b'q', level + 1]);
    }
    let deep_tuples = ["(".repeat(200_000), "t".repeat(200_000)].concat();
    let deep_lists = ["]".repeat(100_000), "a".repeat(99_999)].concat();
    let body = |bytes: &[u8]| around(&pickle(bytes));
    let long = [&b"\x8b"[..], &0x7fff_ffff_u32.to_le_bytes()].concat();
    let unicode = [&b"\x8d"[..], &(1_u64 << 63).to_le_bytes()].concat();
    vec![
        case("memo_bomb.pth", body(&laughs), Refused(""), "2^60 references through the memo"),
        case("deep.pth", body(deep_tuples.as_bytes()), Refused(""), "200,000 tuples in one another"),
        case("deep_list.pth", body(deep_lists.as_bytes()), Refused(""), "100,000 lists in one another"),
        case("long4.pth", body(&long), Refused(""), "integer of 2 GiB"),
        case("bin8.pth", body(&unicode), Refused(""), "text of 2^63 bytes"),
        case("nostop.pth", around(b"\x80\x02}"), Refused(""), "no end"),
        case("proto9.pth", around(&protocol(9, b"}")), Refused(""), "protocol 9"),
        case("underflow.pth", body(b"R"), Refused(""), "takes from an empty stack"),
        case("root_list.pth", body(b"]"), Refused(""), "the root is a list"),
        case("empty_dict.pth", body(b"}"), NotVgg, "no tensors"),
    ]
}

/// One header of a TAR archive in GNU's dialect, `rest` from byte 386 on.
fn tar_header(name: &str, size: usize, kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    let mut put = |place: usize, bytes: &[u8]| header[place..place + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar  \0");
    put(386, rest);
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn tars() -> Vec<Case> {
    // One hole as large as the entry: offset, length, ..., real size.
    let real = format!("{:011o}\0", (8_u64 << 30) - 1);
    let mut hole = vec![0; 109];
    hole[..12].copy_from_slice(real.as_bytes());
    hole[12..24].copy_from_slice(b"00000000000\0");
    hole[97..].copy_from_slice(real.as_bytes());
    let sparse = [tar_header("storages", 0, b'S', &hole), vec![0; 1024]].concat();
    let mut evil = pickle(&os_system());
    let header = tar_header("pickle", evil.len(), b'0', &[]);
    evil.resize(512 + 1024, 0);
    vec![
        case("tar_sparse_bomb.pth", sparse, Refused("TAR"), "8 GiB of zeros out of 1.5 kB"),
        case("tar_evil.pth", [header, evil].concat(), Refused("TAR"), "TAR with a command in it"),
    ]
}
