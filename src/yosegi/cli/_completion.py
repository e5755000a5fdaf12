"""Completion in bash of the line as it was typed.

Click's own asks bash for its words, and bash parts a line at `@`, `=` and `:`: of `--as pi@argonne` and of a capability
`site/name@version` only pieces would arrive, and nothing would be completed behind them.
"""

from __future__ import annotations

import os
from typing import ClassVar

from click.shell_completion import BashComplete, add_completion_class, split_arg_string

_SOURCE = """\
%(complete_func)s() {
    local IFS=$'\\n' line="${COMP_LINE:0:COMP_POINT}" word before response completion type value
    word="${line##*[[:space:]]}"
    # What bash keeps of the word: it puts an answer behind the last of these, and in the place of an @ itself.
    before="${word%%"${word##*[@:=]}"}"
    before="${before%%@}"
    COMPREPLY=()
    response=$(env COMP_LINE="$line" %(complete_var)s=bash_complete "$1")
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        if [[ $type == 'dir' ]]; then
            compopt -o dirnames
        elif [[ $type == 'file' ]]; then
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            COMPREPLY+=("${value#"$before"}")
        fi
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@add_completion_class
class BashLineComplete(BashComplete):
    """Completes what stands before the cursor."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = _SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is completed, and what is typed of it."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)[1:]
        incomplete = "" if not words or line[-1:].isspace() else words.pop()
        return words, incomplete
