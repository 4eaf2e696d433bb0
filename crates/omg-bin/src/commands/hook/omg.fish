# OMG for fish. In ~/.config/fish/config.fish: omg hook fish | source

# Prints how many packages could be newer, or nothing. Call it in fish_prompt.
function omg_prompt
    set -l updates (omg-fast uc 2>/dev/null)
    or return 0
    if test -n "$updates" -a "$updates" -gt 0 2>/dev/null
        printf '%s^ ' $updates
    end
end

# Runs when a command is not found.
function fish_command_not_found
    printf 'fish: Unknown command: %s\n' $argv[1] >&2
    if isatty stderr; and command -q omg
        omg provides --no-pager --limit 5 -- $argv[1] >&2
    end
end
