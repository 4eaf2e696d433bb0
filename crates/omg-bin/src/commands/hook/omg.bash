# OMG for bash. In ~/.bashrc: eval "$(omg hook bash)"

# Prints how many packages could be newer, or nothing: PS1='$(omg_prompt)'"$PS1"
omg_prompt() {
    local updates
    updates=$(omg-fast uc 2>/dev/null) || return 0
    if [ "${updates:-0}" -gt 0 ] 2>/dev/null; then
        printf '%s^ ' "$updates"
    fi
}

# Runs when a command is not found.
command_not_found_handle() {
    printf 'bash: %s: command not found\n' "$1" >&2
    if [ -t 2 ] && command -v omg >/dev/null 2>&1; then
        omg provides --no-pager --limit 5 -- "$1" >&2
    fi
    return 127
}
