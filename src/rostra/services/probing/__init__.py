"""Looking at an account as visitors do, in every worker, before it comes back and afterwards.

``stage``, ``confirm`` and ``unready`` are what others use. To be read in this order: ``looking``
(which probes are made, and when), ``asking`` (every worker the same, held to what was true
meanwhile), then what is asked: ``readying`` (before anything public changes), ``questioning``
(profile, lists, media), ``sampling`` (as followers and strangers), ``tying`` (a follow and its
undoing), ``explaining`` (who came and went since the plan); and ``lending`` (whom probes ask as)
and ``waiting`` (for workers that are just starting).
"""

from rostra.services.probing.looking import Tell, confirm, stage, unready

__all__ = ["Tell", "confirm", "stage", "unready"]
