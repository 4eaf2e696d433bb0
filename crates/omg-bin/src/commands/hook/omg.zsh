# OMG for zsh. In ~/.zshrc: eval "$(omg hook zsh)"
setopt prompt_subst

# Prints how many packages could be newer, or nothing: PROMPT='$(omg_prompt)'$PROMPT
omg_prompt() {
    local updates
    updates=$(omg-fast uc 2>/dev/null) || return 0
    if [[ ${updates:-0} -gt 0 ]] 2>/dev/null; then
        printf '%s^ ' "$updates"
    fi
}

# Runs when a command is not found.
command_not_found_handler() {
    printf 'zsh: command not found: %s\n' "$1" >&2
    if [[ -t 2 ]] && (( $+commands[omg] )); then
        omg provides --no-pager --limit 5 -- "$1" >&2
    fi
    return 127
}
