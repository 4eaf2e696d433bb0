#!/usr/bin/env python3
"""Runs pacman's own test cases, each with pacman itself and with omg behind pacman.py.

usage: suite.py SUITE BINARIES JOBS [CASE...]

Prints a line for each run: case, who, outcome, fault code, detail; tabs between them. The cases and the
modules they are run by are those of pacman's source, unchanged, but for two things that are added to what
they make: SHA-256 sums in the sync databases, as every real one has them; and in the root the libraries of
the shell, since scriptlets are run in a real chroot here.
"""

import hashlib
import io
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def libraries(program):
    listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True)
    return re.findall(r"(/\S+)", listed.stdout)


def with_sha256(pmdb, pmpkg):
    written, made = pmdb.pmdb.db_write, pmpkg.pmpkg.makepkg_bytes

    def makepkg_bytes(self):
        # What a case serves over HTTP: another archive each time that it is made.
        archive = made(self)
        self.sha256 = hashlib.sha256(archive).hexdigest()
        return archive

    def db_write(self, package):
        entry = written(self, package)
        digest = getattr(package, "sha256", None)
        if digest is None and package.path and os.path.isfile(package.path):
            with open(package.path, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
        if digest and not self.is_local:
            entry["desc"] += "\n%SHA256SUM%\n" + digest + "\n"
        return entry

    pmdb.pmdb.db_write = db_write
    pmpkg.pmpkg.makepkg_bytes = makepkg_bytes


def run(job):
    suite, binaries, case, who = job
    sys.path.insert(0, suite)
    import pmdb
    import pmpkg
    import pmtest
    import tap

    with_sha256(pmdb, pmpkg)
    os.umask(0o022)
    # Short: one case names a thousand files, and omg takes 48 KiB of names.
    above = tempfile.mkdtemp(prefix="p-", dir="/tmp")
    stdout, sys.stdout = sys.stdout, io.StringIO()
    try:
        os.environ["OMG_BINARIES"] = binaries
        test = pmtest.pmtest(case, os.path.join(above, "r"), {"gpg": True, "nls": True, "curl": True})
        test.load()
        if test.skipall:
            return report(test, who, "skipped", "", test.skipall)
        pacman = {
            "bin": "/usr/bin/pacman" if who == "pacman" else os.path.join(above, "pacman"),
            "bindir": ["/usr/bin/"], "debug": 0, "gdb": 0, "valgrind": 0, "nolog": 0,
            "manual-confirm": False, "scriptlet-shell": "/bin/sh", "ldconfig": "/sbin/ldconfig",
        }
        # The suite runs it with an empty environment.
        with open(os.path.join(above, "pacman"), "w") as file:
            file.write("#!/bin/sh\nPATH=/usr/bin:/bin OMG_BINARIES='%s' exec '%s' '%s' \"$@\"\n"
                       % (binaries, sys.executable, os.path.join(HERE, "pacman.py")))
        os.chmod(os.path.join(above, "pacman"), 0o755)
        test.generate(pacman)
        for library in libraries("/bin/sh"):
            place = test.root + library
            if not os.path.exists(place):
                os.makedirs(os.path.dirname(place), exist_ok=True)
                shutil.copy(library, place)
        test.run(pacman)
        return judge(test, who, tap)
    except Exception as error:  # a case that can't be run is told of, not passed over
        return report(test, who, "broken", "", "%s: %s" % (type(error).__name__, error))
    finally:
        sys.stdout = stdout
        shutil.rmtree(above, ignore_errors=True)


def judge(test, who, tap):
    with open(os.path.join(test.root, "var/log/pactest.log"), errors="replace") as file:
        log = file.read()
    if os.environ.get("PACTEST_KEEP"):
        kept = os.path.join(os.environ["PACTEST_KEEP"], "%s.%s.log" % (test.testname, who))
        with open(kept, "w") as file:
            file.write("%s -> %d\n%s" % (test.args, test.retcode, log))
    if who == "omg" and test.retcode == 78:
        return report(test, who, "broken", "", "the adapter failed: " + log[-300:])
    reason = re.match("not applicable: (.*)", log)
    if reason:
        return report(test, who, "not-applicable", "", reason.group(1))
    test.check()
    codes = re.findall(r"OMG-E\d{4}", log)
    failed = [rule.rule for rule in test.rules if rule.result != 1]
    outcome = "fails" if failed else "passes"
    return report(test, who, outcome, codes[0] if codes else "", " ".join(failed))


def report(test, who, outcome, code, detail):
    words = [test.testname, who, outcome, code or "-", detail or "-"]
    return "\t".join(re.sub(r"\s+", " ", word) for word in words)


def main():
    suite, binaries, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    folder = os.path.join(suite, "tests")
    cases = sys.argv[4:] or sorted(
        name[:-3] for name in os.listdir(folder) if name.endswith(".py"))
    work = [(suite, binaries, os.path.join(folder, case + ".py"), who)
            for case in cases for who in ("pacman", "omg")]
    # Each in a process of its own: the suite keeps state in its modules.
    with multiprocessing.Pool(jobs, maxtasksperchild=1) as pool:
        for line in pool.imap(run, work, chunksize=1):
            print(line, flush=True)


if __name__ == "__main__":
    main()
