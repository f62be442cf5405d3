"""``python -m corpus_tools.cli``: the command line where its script is not on the path."""

from corpus_tools.cli import main

if __name__ == '__main__':
    main(prog_name='corpus-tools')
