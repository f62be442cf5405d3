"""Every work of music21's corpus: score to notes, to frames, to a score again.

    python benchmarks/corpus.py [--folder bach] [--jobs 2] [--log corpus.jsonl]

For each work: are the notes those of an independent extraction, do frames come back from the
score that is made of them, does every note come back exactly from the engraved note table, and
are both files valid MusicXML 4.0? Results go to the log, a line a work as it ends; works that
it holds already are left out, so that a further call goes on where one was interrupted. Several
hours for the whole corpus on 2 cores. What is checked is what tests/roundtrip/test_corpus.py
checks for a sample.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

from tqdm import tqdm

TESTS = Path(__file__).resolve().parents[1] / 'tests'
sys.path[:0] = [str(TESTS), str(TESTS / 'roundtrip')]


def check_work(work: str) -> list[dict[str, object]]:
    """Return a record for each score of a work."""
    import test_corpus

    import qbdi_m21 as q
    warnings.simplefilter('ignore')
    try:
        scores = q.load_scores(work)
    except q.QbdiError as error:
        return [{'work': work, 'status': 'unreadable', 'reason': str(error)[:200]}]
    records = []
    for number, score in enumerate(scores, start=1):
        name = work if len(scores) == 1 else f'{work} #{number}'
        started = time.perf_counter()
        try:
            failed = test_corpus.problems(score)
            record: dict[str, object] = {'status': 'failed' if failed else 'good'}
            if failed:
                record['reason'] = failed
        except q.QbdiError as error:
            record = {'status': 'refused', 'reason': f'{type(error).__name__}: {error}'[:200]}
        except Exception as error:      # a benchmark goes on and tells
            record = {'status': 'crashed', 'reason': f'{type(error).__name__}: {error}'[:200]}
        records.append({'work': name, **record, 's': round(time.perf_counter() - started, 2)})
    return records


def main() -> None:
    """Check all works and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--folder', default='', help='only works below this folder')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--log', type=Path, default=Path('corpus.jsonl'))
    options = parser.parse_args()
    from music21 import common, corpus
    root = common.getCorpusFilePath()
    works = [f'corpus:{p.relative_to(root).as_posix()}' for p in corpus.getCorePaths()
             if p.suffix != '.rntxt']
    works = [w for w in works if w.startswith(f'corpus:{options.folder}')]
    known = [json.loads(line) for line in options.log.read_text('utf-8').splitlines()
             ] if options.log.exists() else []
    done = {str(record['work']).split(' #')[0] for record in known}
    todo = [work for work in works if work not in done]
    # a fresh process now and then: music21 keeps what it has read
    with Pool(options.jobs, maxtasksperchild=50) as pool, options.log.open(
            'a', encoding='utf-8') as log:
        for records in tqdm(pool.imap_unordered(check_work, todo), total=len(todo), unit='work'):
            known += records
            log.write(''.join(json.dumps(record) + '\n' for record in records))
            log.flush()
    counts = Counter(str(record['status']) for record in known)
    print(f'{len(known)} scores: ' + ', '.join(f'{n} {kind}' for kind, n in counts.most_common()))
    for record in known:
        if record['status'] != 'good':
            print(f'{record["status"]}: {record["work"]}: {record.get("reason")}')


if __name__ == '__main__':
    main()
