"""The reader of the paper's author, tick by tick and state by state, over mido's messages.

Written after `midiToNoteStateMatrix` of dshieble/Music_RNN_RBM (Python 2, so that its divisions
are whole), on which dubnov's notebooks build.
"""

import mido

LOWEST, HIGHEST = 24, 102


def naive_states(path):
    """Return a list of rows of 156 zeros and ones: 78 held, then 78 articulated."""
    midi = mido.MidiFile(path)
    resolution = midi.ticks_per_beat
    waiting = [list(track) for track in midi.tracks if len(track)]
    left = [messages[0].time for messages in waiting]
    state = [[0, 0] for _ in range(LOWEST, HIGHEST)]
    states, tick = [state], 0
    while True:
        if tick % (resolution // 4) == resolution // 8:
            state = [[held, 0] for held, _ in state]
            states.append(state)
        for track, messages in enumerate(waiting):
            while messages and left[track] == 0:
                message = messages.pop(0)
                if message.type in ('note_on', 'note_off'):
                    change(state, message)
                elif message.type == 'time_signature' and message.numerator not in (2, 4):
                    return planes(states)
                left[track] = messages[0].time if messages else None
            if left[track] is not None:
                left[track] -= 1
        if not any(waiting):
            break
        tick += 1
    return planes(states)


def change(state, message):
    """Switch one pitch on or off."""
    if LOWEST <= message.note < HIGHEST:
        on = message.type == 'note_on' and message.velocity > 0
        state[message.note - LOWEST] = [1, 1] if on else [0, 0]


def planes(states):
    return [[held for held, _ in state] + [struck for _, struck in state] for state in states]
