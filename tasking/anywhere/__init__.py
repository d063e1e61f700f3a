"""One order that may go to several accounts: one at a time, in order of preference or by the best candidate.

Each try is a *part*: an ordinary order at one account, with a reference of its own, carried out as any other order is.
`tasking.anywhere.decision.next_step` decides what is next; `tasking.anywhere.running.run_anywhere` does it.
"""
