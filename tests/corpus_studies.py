"""Small stores and studies for tests."""

from corpus_tools.study import MeasureSpec, Study

NOTES = 'CDEFGABcdefgab'


def write_tunes(folder, count, bars=4):
    """Write so many different tunes in ABC; the k-th has 4 * bars + k % 3 notes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(count):
        tune = '|'.join(''.join(NOTES[(k * 5 + b * (1 + k % 4) + n * 3) % 14] for n in range(4))
                        for b in range(bars))
        more = {0: 'C4', 1: 'C2D2', 2: 'C2DE'}[k % 3]
        path = folder / f'tune{k:03d}.abc'
        head = f'X:1\nT:Tune {k}\nC:Composer {k % 2}\nM:4/4\nL:1/4\nK:C\n'
        path.write_text(f'{head}{tune}|{more}|]\n')
        paths.append(path)
    return paths


def make_study(folder, measures=('notes',), count=6, **options):
    """Return a study of tunes below a folder, which are written where they are not there yet."""
    if not (folder / 'tunes').is_dir():
        write_tunes(folder / 'tunes', count)
    specs = tuple(one if isinstance(one, MeasureSpec) else MeasureSpec(one) for one in measures)
    return Study(**{'name': 'trial', 'works': (str(folder / 'tunes'),), 'measures': specs,
                    'store': str(folder / 'store'), **options})
