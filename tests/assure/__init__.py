"""What is too long for the ordinary tests: `make assure`, or `python -m assure` with `tests` on the path.

Removes the guard of each refusal and sees its test fail; makes mutants of the rooms that trust rests on; feeds parsers
what a fuzzer finds; sends the API what its description suggests. All of it in a copy, all of it resumable.
"""
