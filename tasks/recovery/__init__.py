"""Recovery: runs and orders that nobody would go on with are found by each watch, and set going again.

==============================================  ======================================================================
what the watch finds                            what it does
==============================================  ======================================================================
`recover_runs`
a run that Crashed, or Failed because Prefect   starts it again; a run that was only waiting waits on. After five
did not take its end                            crashes in a row: once an hour
a run Running or Pending without a process      the same. A process on another machine is judged by the watcher there,
                                                after six hours by this one
`orphaned_orders`
an order whose run was deleted, or lost its     starts a new run, which takes the order over. After five that failed:
deployment or work pool                         once an hour
an order whose run a person cancelled           ends the order; Retry on the run goes on with it
an order whose run Prefect ended                goes on after five minutes
an order whose run was ended by who knows whom  ends the order if nothing is bought; else asks, and goes on after 1 h
an order whose run was paused, but not by us    goes on if it is bought, or may be; a question without its form is asked
                                                again
`stalled_runs`
runs that are due, and nothing moves            tells it: the watch fails
==============================================  ======================================================================

A run wrongly taken for lost does no harm: two processes that carry out one order meet in the ledger.
"""
