# What the commands of the documentation mean while they are tested; the test puts this in front of every block.
# Given are STYLE (the program), EXAMPLES (the folder of the built examples), ROOT (that of the repository), LOG (what
# happened, a line for each) and AS_IT_IS (not empty where arguments may not be changed, as the page shows what comes of them).

ran() { printf 'ran\t%s\n' "$*" >> "$LOG"; }

# not_run REASON COMMAND...
not_run() { printf 'not run\t%s\n' "$*" >> "$LOG"; }

# small COMMAND...: the command with arguments that make it quick; the program lets the last of two equal flags win.
small() { if test -n "$AS_IT_IS"; then "$@"; else "$@" --size 48 --steps 2; fi; }

# The same for an example, which refuses a flag twice.
small_example() {
    case " $* " in *' --steps '*) ;; *) set -- "$@" --steps 2 ;; esac
    case " $* " in *' --size '*) ;; *) set -- "$@" --size 64 ;; esac
    "$@"
}

style() {
    case "$*" in
        serve\ *) not_run "a page that stays until Ctrl-C" style "$@"; return ;;
        weights\ get\ *) not_run "a download, and the rest of its block" style "$@"; exit 0 ;;
    esac
    ran style "$@"
    case " $* " in *' --help '* | *' -h '* | *' --version '*) "$STYLE" "$@"; return ;; esac
    case "${1-}" in
        '' | completions | devices | doctor | man | presets | resume | weights) "$STYLE" "$@" ;;
        *) small "$STYLE" "$@" ;;
    esac
}

example() {
    name=$1
    shift
    case "$name" in
        remote_server) not_run "a server, which does not end" "$name" "$@"; return ;;
    esac
    if ! test -x "$EXAMPLES/$name"; then
        # `cargo test` builds the examples of a package whose tests it builds; with --test or --bins it does not. What
        # follows in the block may need what the example makes.
        test -f "$ROOT/examples/$name.rs"
        not_run "the example is not built, and the rest of its block" "$name" "$@"
        exit 0
    fi
    ran "$name" "$@"
    case "$name" in
        transfer | reconstruct | texture | train_network) small_example "$EXAMPLES/$name" "$@" ;;
        *) "$EXAMPLES/$name" "$@" ;;
    esac
}

cargo() {
    case "$1" in
        run) shift ;;
        bench | build | doc | install | test) not_run "it compiles, which takes minutes" cargo "$@"; return ;;
        *) echo "the test of the documentation knows no cargo $1" >&2; return 1 ;;
    esac
    wanted=''
    while test $# -gt 0; do
        case "$1" in
            --) shift; break ;;
            --release) shift ;;
            --example) wanted=$2; shift 2 ;;
            --features) not_run "another build" cargo run "$@"; return ;;
            -p) test -d "$ROOT/crates/$2"; not_run "the example is not built" cargo run "$@"; return ;;
            *) echo "the test of the documentation knows no cargo run $1" >&2; return 1 ;;
        esac
    done
    if test -n "$wanted"; then example "$wanted" "$@"; else style "$@"; fi
}

# tool tools/NAME ARGUMENTS...: lines that begin with tools/ get this name, as there is no function with a / in its name.
tool() { test -x "$ROOT/$1"; not_run "a tool for other machines" "$@"; }
python() { test -f "$ROOT/$1"; not_run "Python with packages from an index" python "$@"; }
pip() { not_run "it installs from an index" pip "$@"; }
ssh() { not_run "another machine" ssh "$@"; }
parallel() { not_run "GNU parallel is not everywhere" parallel "$@"; }
sbatch() { not_run "a cluster" sbatch "$@"; }
srun() { not_run "a cluster" srun "$@"; }
