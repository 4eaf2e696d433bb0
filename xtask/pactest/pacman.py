#!/usr/bin/env python3
"""Looks like pacman to pacman's own test cases, and has omg do what they ask for.

Where pacman's --noconfirm answers a question with "no", so does this, on omg's plan. What omg has no
word for ends with 77 and says why; nothing is imitated here that omg does not do itself.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import traceback

NOT_APPLICABLE, BROKEN = 77, 78

# pacman's --ask turns the answers to these questions (alpm.h, alpm_question_type_t).
ASK_IGNORED, ASK_CONFLICT, ASK_SKIP = 1, 4, 16

OPTIONS_WITHOUT_A_WORD = {
    "dbonly": "--dbonly: omg does not change the database alone",
    "overwrite": "--overwrite: omg overwrites no file of others",
    "assume_installed": "--assume-installed: omg does not pretend that something is there",
    "nodeps": "-d: omg does not leave dependencies out",
    "downloadonly": "-w: omg does not only download",
    "cascade": "-Rc: omg does not remove what still needs a package",
    "print": "-p: another output (`omg install -n`)",
}


def not_applicable(reason):
    print("not applicable: " + reason)
    sys.exit(NOT_APPLICABLE)


def broken(message):
    print("the adapter does not know: " + message)
    sys.exit(BROKEN)


def arguments():
    parser = argparse.ArgumentParser(prog="pacman", add_help=False, allow_abbrev=False)
    for operation in "SURDQTV":
        parser.add_argument("-" + operation, dest="operation", action="append_const", const=operation)
    parser.add_argument("--version", dest="operation", action="append_const", const="V")
    parser.add_argument("-h", "--help", dest="help", action="store_true")
    for name in ("root", "dbpath", "config", "hookdir", "cachedir"):
        parser.add_argument("--" + name)
    for name in ("noconfirm", "asdeps", "asexplicit", "needed", "dbonly"):
        parser.add_argument("--" + name, action="store_true")
    parser.add_argument("--ask", type=int, default=0)
    parser.add_argument("--ignore", action="append", default=[])
    parser.add_argument("--overwrite", action="append")
    parser.add_argument("--assume-installed", action="append")
    parser.add_argument("-y", dest="refresh", action="count", default=0)
    parser.add_argument("-u", dest="upgrade", action="count", default=0)
    parser.add_argument("-s", "--recursive", dest="recursive", action="count", default=0)
    parser.add_argument("-d", dest="nodeps", action="count", default=0)
    parser.add_argument("-c", dest="cascade", action="count", default=0)
    parser.add_argument("-n", dest="nosave", action="store_true")
    parser.add_argument("-w", dest="downloadonly", action="store_true")
    parser.add_argument("-p", dest="print", action="store_true")
    for letter in "ilqokv":
        parser.add_argument("-" + letter, dest="query_" + letter, action="count")
    parser.add_argument("targets", nargs="*")
    parser.error = broken
    return parser.parse_intermixed_args()


class Omg:
    def __init__(self, given):
        self.given = given
        self.root = given.root.rstrip("/")
        home = os.path.join(os.path.dirname(self.root), "home")
        os.makedirs(home, exist_ok=True)
        self.environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": home,
            "LC_ALL": "C",
            "OMG_NO_DAEMON": "1",
        }

    def command(self, *words):
        omg = os.path.join(os.environ["OMG_BINARIES"], "omg")
        return [omg, "--root", self.root, *words]

    def run(self, *words):
        print("omg " + " ".join(words), flush=True)
        return subprocess.call(self.command(*words), env=self.environment)

    def plan(self, *words):
        """The plan as an object; None, with the refusal shown, if there is none."""
        made = subprocess.run(
            self.command(*words, "-n", "--json"),
            env=self.environment, stdout=subprocess.PIPE, text=True)
        if made.returncode != 0:
            return None
        return json.loads(made.stdout)

    def change(self, *words):
        """Carries a change out, unless pacman would have asked and been told "no"."""
        words = [word for word in words if word]
        plan = self.plan(*words)
        if plan is None:
            # The refusal is on the screen already; what it comes to is to be seen, too.
            return self.run(*words, "-y")
        if not self.given.ask & ASK_CONFLICT:
            for change in plan["changes"]:
                if change["action"] in ("remove", "purge") and change["reason"] == "conflict":
                    print("answered no: %s conflicts with %s"
                          % (change["name"], change["reason_package"]))
                    return 1
        return self.run(*words, "-v", "-y")

    def mark(self, names):
        given = self.given
        if given.asdeps or given.asexplicit:
            return self.run("mark", "auto" if given.asdeps else "manual", *names)
        return 0


def prepare(omg):
    """What pacman is told on its command line is written where omg looks for it."""
    root = omg.root
    for folder, usual in (
            (omg.given.dbpath, "var/lib/pacman"),
            (omg.given.cachedir, "var/cache/pacman/pkg"),
            (omg.given.hookdir, "etc/pacman.d/hooks")):
        if os.path.normpath(folder) != os.path.join(root, usual):
            not_applicable("the suite's paths are not pacman's usual ones: " + folder)
    with open(omg.given.config) as file:
        text = file.read()
    lines = text.split("\n")
    lines[1:1] = ["IgnorePkg = " + name for name in omg.given.ignore]
    with open(os.path.join(root, "etc/pacman.conf"), "w") as file:
        file.write("\n".join(lines))
    # pacman makes this file when it finds none.
    local = os.path.join(root, "var/lib/pacman/local")
    if not os.path.isdir(local):
        os.makedirs(local)
        with open(os.path.join(local, "ALPM_DB_VERSION"), "w") as file:
            file.write("9\n")


def install(omg, given):
    downloads = any(re.match("[a-z]+://", target) for target in given.targets)
    if given.operation == "U":
        if downloads:
            not_applicable("-U URL: omg takes files from here and repositories")
        targets = [os.path.abspath(target) for target in given.targets]
    else:
        targets = given.targets
    if given.recursive:
        not_applicable("--recursive while installing: omg has no such thing")
    if given.ask & ASK_IGNORED:
        not_applicable("--ask 1: omg does not ask whether a named package on IgnorePkg is meant")
    if given.ask & ASK_SKIP:
        not_applicable("--ask 16: omg does not leave out what can't be had; the plan is refused")
    again = "" if given.needed else "--reinstall"
    if given.upgrade > 1:
        not_applicable("-uu: omg upgrades, and does not downgrade with it")
    if given.upgrade and not targets:
        return omg.change("update", "" if given.refresh else "--no-sync")
    if given.refresh:
        code = omg.run("sync")
        if code or not (targets or given.upgrade):
            return code
    code = omg.change("install", again, "--upgrade" if given.upgrade else "", *targets)
    return code or omg.mark(names(omg, targets))


def names(omg, targets):
    """Of package files, the names that they were given."""
    found = []
    for target in targets:
        name = os.path.basename(target)
        match = re.fullmatch(r"(.+)-[^-]+-[^-]+\.pkg\.tar\.\w+", name)
        found.append(match.group(1) if match else name)
    return found


def main():
    given = arguments()
    operations = given.operation or []
    if given.help or "V" in operations:
        not_applicable("pacman's own help and version")
    if len(operations) != 1:
        not_applicable("a mistake on pacman's command line")
    given.operation = operations[0]
    lists = given.operation in "QT" or any(
        getattr(given, "query_" + letter) for letter in "ilqok")
    if lists or (given.operation == "S" and given.recursive):
        not_applicable("a query: its output is another one")
    clean = given.operation == "S" and given.cascade
    for option, reason in OPTIONS_WITHOUT_A_WORD.items():
        if getattr(given, option, None) and not (clean and option == "cascade"):
            not_applicable(reason)
    omg = Omg(given)
    prepare(omg)
    if clean:
        return omg.run("clean", *(["--all"] if given.cascade > 1 else []))
    if given.operation == "D":
        return omg.mark(given.targets)
    if given.operation == "R":
        if given.upgrade:
            not_applicable("-Ru: omg does not leave out of a removal what is needed")
        if given.recursive > 1:
            not_applicable("-Rss: omg does not remove what the user chose along with others")
        return omg.change(
            "remove", "-r" if given.recursive else "", "--purge" if given.nosave else "",
            *given.targets)
    return install(omg, given)


if __name__ == "__main__":
    try:
        sys.exit(1 if main() else 0)
    except Exception:
        traceback.print_exc()
        sys.exit(BROKEN)
