# The function `stint` of fish, its prompt and its completion. It leaves no variable behind.

# Puts the present down to compare with, and prints the folder of kept sessions and the file $argv[1] of their index, if
# both are this person's.
function __stint_find
    set -l sessions "$HOME/.cache/stint/sessions"
    string match -q '/*' -- "$XDG_CACHE_HOME"; and set sessions "$XDG_CACHE_HOME/stint/sessions"
    test -n "$STINT_HOME"; and set sessions "$STINT_HOME/sessions"
    set -l file "$sessions/ready/"(string replace -a / % -- $argv[1])
    test -O "$file"; and test ! -L "$file"; and test -r "$file"; or return 1
    test -O "$sessions"; and test -O "$sessions/ready"; and test ! -L "$sessions/ready"; or return 1
    echo >"$sessions/ready/now"; or return 1
    printf '%s\n' $sessions $file
end

# Prints the variables of a part of an origin as NAME=VALUE.
function __stint_pairs
    string match -a -r -g '"(AWS_[A-Z0-9_]+":"[^"]*)"' -- $argv[1] | string replace '":"' =
end

# Prints the names of the variables that an earlier session exported, and nobody has changed since.
function __stint_exported
    for pair in (__stint_pairs (string match -r -g '"exported":\{(.*?)\},"before":' -- "$STINT_ORIGIN"))
        set -l parts (string split -m 1 = -- $pair)
        set -l name $parts[1]
        test "$$name" = "$parts[2]"; and echo $name
    end
end

# Prints the lines of file $argv[1] of the index that may be taken, if all lines above them hold for target $argv[2].
# $argv[3]: the kinds of lines that must be there.
# SECURITY: no text of an entry is ever evaluated; values are compared and printed.
function __stint_entry
    set -l found (__stint_find $argv[1]); or return 1
    set -l sessions $found[1]
    set -l at $sessions/ready/at
    # Variables that are looked at as something else than they are: names, and their values.
    set -l names
    set -l values
    # What an earlier session changed is looked at as it was before. An origin that is not understood is left to Stint.
    if test -n "$STINT_ORIGIN"
        set -l origin (string match -r -g '^\{"key":"([^"\\\\]*)","base":"named","exported":\{([^\\\\]*?)\},"before":\{([^\\\\]*?)\}[,}]' -- "$STINT_ORIGIN")
        or return 1
        test "$origin[1]" = "$AWS_ACCESS_KEY_ID"; or return 1
        set names AWS_ACCESS_KEY_ID
        set values ''
        for pair in (__stint_pairs "$origin[2]")
            set -l parts (string split -m 1 = -- $pair)
            set -l name $parts[1]
            test "$$name" = "$parts[2]"; and set -a names $name; and set -a values ''
        end
        for pair in (__stint_pairs "$origin[3]")
            set -l parts (string split -m 1 = -- $pair)
            set -l name $parts[1]
            set -l index (contains -i -- $name $names)
            if set -q index[1]
                set values[$index] $parts[2]
            else if test -z "$$name"
                set -a names $name
                set -a values $parts[2]
            end
        end
    end
    set -l seen
    set -l stamp
    set -l link
    set -l number 0
    set -l lines (string split \n <$found[2])
    for line in $lines
        set number (math $number + 1)
        set -l parts (string split -m 1 = -- $line)
        set -l value "$parts[2]"
        switch $parts[1]
            case 'stint-ready 1'
                set seen 1
            case target
                test "$value" = "$argv[2]"; or return 1
                set seen {$seen}t
            case until
                test $sessions/ready/now -ot $at.$value; or return 1
                set seen {$seen}u
            case stamp
                set stamp $at.$value
                test -e $stamp; or return 1
                set seen {$seen}s
            case kept
                test -e $sessions/$value; and test $sessions/$value -ot $sessions/ready/now; or return 1
                set seen {$seen}k
            case cwd
                test "$value" = "$PWD"; or return 1
            case env
                set -l variable (string split -m 1 = -- $value)
                string match -q -r '^[A-Za-z_][A-Za-z0-9_]*$' -- $variable[1]; or return 1
                set -l name $variable[1]
                set -l have "$$name"
                set -l index (contains -i -- $name $names); and set have "$values[$index]"
                test "$have" = "$variable[2]"; or return 1
            case link
                set link $value
            case real
                test "$link" -ef "$value"; or return 1
            case file
                test -e "$value"; and test "$value" -ot $stamp; or return 1
            case none
                test ! -e "$value"; or return 1
            case ready
                contains -- "$seen" $argv[3..-1]; or return 1
                printf '%s\n' $lines[(math $number + 1)..-1]
                return 0
            case '*'
                return 1
        end
    end
    return 1
end

function stint --description 'AWS access that ends on time'
    set -l lines
    if contains -- "$argv[1]" assume exec credentials; and not string match -q -- '-*' "$argv[2]"
        if test (count $argv) -eq 2; or test "$argv[1]" = exec -a "$argv[3]" = --
            set lines (__stint_entry t.$argv[2] $argv[2] 1tusk 2>/dev/null)
        end
    end
    switch "$argv[1]"
        case assume
            if not set -q lines[1]
                set -l text (STINT_SHELL=fish command @STINT@ $argv | string collect)
                set -l code $pipestatus[1]
                test $code -eq 0; and eval $text
                return $code
            end
            for name in (__stint_exported)
                set -e -g $name
            end
            for line in $lines
                set -l parts (string match -r -g '^(set|unset)=((?:AWS|STINT)_[A-Z0-9_]+)(?:=(.*))?$' -- $line)
                test "$parts[1]" = set; and set -gx $parts[2] $parts[3]
                test "$parts[1]" = unset; and set -e -g $parts[2]
                string match -q 'note=*' -- $line; and string replace -r '^note=' '' -- $line >&2
            end
            # It is that of every shell, now and later, and one shell cannot hide it from its commands.
            set -qUx AWS_PROFILE; and echo 'note: AWS_PROFILE is a universal variable, which commands still see; `set -eU AWS_PROFILE` removes it from all shells' >&2
            if test -z "$STINT_NO_RECENT"; and set -l found (__stint_find recent)
                printf '%s\n' $argv[2] >>$found[2]
            end
            return 0
        case credentials
            if set -q lines[1]
                string replace -r '^json=' '' -- $lines[1]
                return 0
            end
        case exec
            # A universal variable can be hidden from a command by Stint alone.
            if set -q lines[1]; and type -q -f -- $argv[4]; and not set -Ux | string match -q 'AWS_*'
                for name in (__stint_exported)
                    set -fu $name
                end
                for line in $lines
                    set -l parts (string match -r -g '^(set|unset)=((?:AWS|STINT)_[A-Z0-9_]+)(?:=(.*))?$' -- $line)
                    test "$parts[1]" = set; and set -fx $parts[2] $parts[3]
                    test "$parts[1]" = unset; and set -fu $parts[2]
                end
                command $argv[4..-1]
                return $status
            end
    end
    command @STINT@ $argv
end

# True when the words before the cursor name exactly that command, and a word of its own is wanted.
function __stint_at
    set -l words (commandline -opc)
    contains -- -- $words; and return 1
    set -l count (count $argv)
    test (count $words) -gt $count; or return 1
    test $count -eq 0; or test "$words[2..$(math $count + 1)]" = "$argv"; or return 1
    # A deeper command has words of its own.
    test $count -gt 0; or test (count $words) -eq 1
end

function __stint_targets
    set -l key names
    for extension in ts yaml yml json
        test -e stint.config.$extension; and set key names.$PWD
    end
    set -l names (__stint_entry $key $key 1ts 1tus 2>/dev/null)
    if set -q names[1]
        string match -v end -- $names
    else
        command @STINT@ ls --names 2>/dev/null
    end
end

# Prints the target that this shell has, and the minutes left: `dev/test_role 42m`; `!` before one of production.
function stint_prompt
    test -n "$STINT_TARGET"; or return 0
    set -l text (string replace -r -a '[[:cntrl:]]' '' -- $STINT_TARGET)
    string match -q -i '*prod*' -- $text; and set text "!$text"
    set -l end (string match -r -g '^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):\d\dZ$' -- "$AWS_CREDENTIAL_EXPIRATION")
    if set -q end[5]
        set -l year $end[1]
        set -l month $end[2]
        test $month -le 2; and set year (math $year - 1); and set month (math $month + 12)
        set -l days (math "365 * $year + floor($year / 4) - floor($year / 100) + floor($year / 400) + floor((153 * ($month - 3) + 2) / 5) + $end[3] - 719469")
        set -l left (math "1440 * $days + 60 * $end[4] + $end[5] - floor($(date +%s) / 60)")
        test $left -gt 0; and set text "$text $left"m; or set text "$text ended"
    end
    printf %s $text
end

complete -c stint -f
complete -c stint -n 'contains -- -- (commandline -opc)' -a '(__fish_complete_subcommand --fcs-skip=4)'
