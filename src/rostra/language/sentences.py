"""The sentences that the server writes down of its own work, as they stand in the code.

``language/said.py`` knows what was said by them, so each must read as it is written: a sentence
changed where it is said is changed here too (tests/unit/test_said.py looks). A value has a name
that tells its form: see ``SHAPES`` there.
"""

from __future__ import annotations

from typing import Final

from rostra.language.i18n import mark

PROBES: Final = (
    mark("%(what)s. To mend it: stop the server, run rostra doctor --repair, and begin again"),
    mark("@%(name)s, the server's own account, may not act: lift what is in its way"),
    mark("answers"),
    mark("was not reached: see rostra serve's log for why it does not answer"),
    mark("Worker %(worker)s gave no answer in %(num)s s"),
    mark("Worker %(worker)s went away and did not come back"),
    mark("journal, chunks and segments agree"),
    mark("%(set)s: its chunks have not as many members as it says"),
    mark("%(num)s members, as many as its sets say"),
    mark("%(num)s member, as many as its sets say"),
    mark("%(what)s, and %(share)s of all accounts have no other edge to it"),
    mark("all %(num)s edges are stored on both sides"),
    mark("its one edge is stored on both sides"),
    mark("it has no edges"),
    mark(
        "%(num)s of %(all)s edges (%(share)s) are stored on both sides; a single one that is not "
        "was missed with a chance of %(chance)s"
    ),
    mark("answered %(status)s where the profile should be"),
    mark("answered %(status)s where the page of the profile should be"),
    mark("answered %(status)s where a list should be"),
    mark("answered %(status)s where what was searched for should be"),
    mark("answered %(status)s where a relationship should be"),
    mark("answered %(status)s where accounts should be"),
    mark("answered %(status)s where a home should be"),
    mark("%(what)s where the newest status should be"),
    mark("answered %(status)s"),
    mark("its list is empty"),
    mark("shows the account as suspended, though no action in force suspends it"),
    mark("says %(shown)s followers, recounted from the disk are %(stored)s"),
    mark("says %(shown)s follower, recounted from the disk are %(stored)s"),
    mark("says %(shown)s following, recounted from the disk are %(stored)s"),
    mark("says %(shown)s statuses, stored %(stored)s"),
    mark("says %(shown)s status, stored %(stored)s"),
    mark("%(num)s followers, following %(following)s"),
    mark("%(num)s follower, following %(following)s"),
    mark("shows %(shown)s followers, recounted from the disk are %(stored)s"),
    mark("shows %(shown)s follower, recounted from the disk are %(stored)s"),
    mark("the page shows %(num)s followers"),
    mark("the page shows %(num)s follower"),
    mark("%(num)s in the places they have on the disk"),
    mark("lists %(shown)s, stored are %(stored)s"),
    mark("nothing"),
    mark("%(low)s to %(high)s"),
    mark("it has said nothing that anybody may see"),
    mark("shows status %(shown)s, the newest stored is %(stored)s"),
    mark("status %(id)s is shown"),
    mark("does not find the account by its handle"),
    mark("found by its handle"),
    mark("%(num)s of %(all)s files are answered with %(status)s"),
    mark("%(num)s of %(all)s files answered with %(status)s"),
    mark("%(num)s of %(all)s file answered with %(status)s"),
    mark("%(num)s files are handed out"),
    mark("%(num)s file is handed out"),
    mark("it has no files"),
    mark("not tried: a block stands between it and the server's own account"),
    mark("follow is answered with %(status)s"),
    mark("unfollow is answered with %(status)s"),
    mark("follow is answered and stored"),
    mark("unfollow is answered and stored"),
    mark("follow is answered with 200, but nothing of it is stored"),
    mark("unfollow is answered with 200, but nothing of it is stored"),
    mark("leaves the account out of the relationships, as one that is suspended"),
    mark("the account went away meanwhile"),
    mark("after the follow it says %(shown)s, stored is %(stored)s"),
    mark("after the unfollow it says %(shown)s, stored is %(stored)s"),
    mark("after the follow it says so"),
    mark("after the unfollow it says so"),
    mark("True"),
    mark("False"),
    mark("%(num)s followers, as planned"),
    mark("%(num)s follower, as planned"),
    mark("%(num)s followers, %(planned)s planned: since then %(what)s"),
    mark("%(num)s follower, %(planned)s planned: since then %(what)s"),
    mark(
        "%(num)s followers, %(planned)s planned %(commits)s commits ago: who came and went since "
        "then is not known so far back"
    ),
    mark(
        "%(num)s follower, %(planned)s planned %(commits)s commits ago: who came and went since "
        "then is not known so far back"
    ),
    mark(
        "%(num)s followers, %(planned)s planned %(commits)s commit ago: who came and went since "
        "then is not known so far back"
    ),
    mark(
        "%(num)s follower, %(planned)s planned %(commits)s commit ago: who came and went since "
        "then is not known so far back"
    ),
    mark(
        "%(num)s followers, %(planned)s planned, and no follow or unfollow since explains the "
        "difference of %(difference)s"
    ),
    mark(
        "%(num)s follower, %(planned)s planned, and no follow or unfollow since explains the "
        "difference of %(difference)s"
    ),
    mark("%(num)s joined (%(who)s)"),
    mark("%(num)s left (%(who)s)"),
    mark("nobody came or went"),
    mark("shows the account to visitors, though it is suspended: start it again"),
    mark("shows the account to visitors"),
    mark("tells visitors nothing of it yet"),
    mark("sets read in %(num)s steps, the longest of %(time)s ms"),
    mark("sets read in %(num)s step, the longest of %(time)s ms"),
    mark(
        "answered %(status)s %(why)s where the account's sets should be read: look for what is "
        "damaged with rostra doctor, and mend it with rostra doctor --repair"
    ),
    mark("will show %(shown)s followers, recounted from the disk are %(stored)s"),
    mark("will show %(shown)s follower, recounted from the disk are %(stored)s"),
    mark("will show %(shown)s following, recounted from the disk are %(stored)s"),
    mark("will show other statuses, or other counts of them, than are stored"),
    mark("has not as many members of %(set)s in memory as it says"),
    mark("%(what)s. Stop and start the server, and begin again"),
    mark("will show %(num)s followers, as recounted from the disk"),
    mark("will show %(num)s follower, as recounted from the disk"),
    mark("says following: %(shown)s to account %(id)s, stored is %(stored)s"),
    mark("%(num)s of %(all)s asked follow it, as stored"),
    mark("%(num)s of %(all)s asked follows it, as stored"),
    mark("says that account %(id)s follows %(num)s, stored is %(stored)s"),
    mark("following counts of %(num)s followers are as stored"),
    mark("following counts of %(num)s follower are as stored"),
    mark("the home of account %(id)s has %(shown)s where status %(stored)s should be"),
    mark("no follower that was asked has anything of it to see at home"),
    mark("%(num)s statuses stand at their places in followers' homes"),
    mark("%(num)s status stands at its place in followers' homes"),
    mark("%(what)s and %(num)s more"),
)
"""What probes say."""

HEADROOM: Final = (
    mark("memory: %(wanted)s wanted, %(left)s left"),
    mark("CPU: less than %(num)s cores wanted, which no server is too busy for; %(left)s left"),
    mark("CPU: %(wanted)s wanted, %(left)s left"),
    mark("p99: fewer than %(num)s requests in the last minutes to tell it by"),
    mark(
        "p99: %(now)s now; more is wanted of the CPUs than they have, so requests would queue up "
        "then"
    ),
    mark("p99: %(now)s now, about %(then)s then"),
    mark(
        "readers have not been counted here yet: %(share)s of the followers look at once, as in a "
        "known flash crowd, and each asks %(asks)s times a minute"
    ),
    mark("what a request costs has not been measured here yet: %(num)s ms of one core"),
    mark("none"),
    mark("less than %(num)s cores"),
    mark("%(num)s cores"),
    mark("%(num)s core"),
    mark("%(num)s bytes"),
    mark("%(num)s KiB"),
    mark("%(num)s MiB"),
    mark("%(num)s GiB"),
    mark("%(num)s ms"),
    mark("ok: %(why)s"),
    mark("tight: %(why)s"),
    mark("short: %(why)s"),
    mark("ok"),
    mark("tight"),
    mark("short"),
)
"""What is said of the headroom of a server, and its verdicts."""

RUNS: Final = (
    mark("the account's sets are recounted and every worker is made ready"),
    mark("all is ready; nothing public has changed"),
    mark("the actions are about to be lifted, in one transaction"),
    mark("the account is back, and is looked at as visitors do"),
    mark("the account is back and was found right everywhere"),
    mark("the account is suspended again; every worker is asked whether it is so"),
    mark("the account is suspended as before"),
    mark("somebody decided about the account meanwhile, and that decision stands"),
    mark("it ended before anything public changed"),
    mark("this server has not the headroom for the returning audience; nothing changed"),
    mark("it was begun %(num)s times and did not come to an end: see the server's log"),
    mark("it was not over after %(num)s seconds: see what holds the server up"),
    mark("a probe could not be done (%(error)s): see the server's log"),
    mark("a probe failed"),
    mark("the probe %(probe)s in worker %(worker)s failed: %(what)s"),
    mark("the probe %(probe)s failed: %(what)s"),
    mark("It stays hidden: %(why)s"),
    mark("suspended by action %(id)s, which this plan leaves in force"),
    mark("put away by its owner"),
    mark("its e-mail address is not confirmed"),
    mark("it waits for approval"),
    mark("%(num)s followers will be seen"),
    mark("%(num)s follower will be seen"),
    mark("WARNING"),
    mark("Headroom: %(why)s"),
    mark("What this server can bear is not known"),
    mark(
        "Wait for a quieter hour, give the server more room, or run again without asking for "
        "headroom"
    ),
    mark("%(num)s suspension lifted"),
    mark("%(num)s suspensions lifted"),
    mark("%(what)s: that stands, and nothing was lifted. Plan anew"),
    mark("Whether it stays hidden changed since it was planned: nothing was lifted. Plan anew"),
    mark("@%(name)s was deleted meanwhile: it cannot come back"),
    mark("@%(name)s may not decide this any more (%(why)s): ask another moderator"),
    mark("Lifted; it stays hidden: %(why)s"),
    mark("every probe passed in every worker"),
    mark("%(what)s while this run went on: that stands, and the run changes nothing more"),
    mark("Before: %(what)s"),
    mark("@%(name)s was put away by its owner"),
    mark("the server took action %(kind)s on @%(name)s at %(time)s"),
    mark("@%(by)s took action %(kind)s on @%(name)s at %(time)s"),
    mark("the time of action %(id)s of @%(name)s is over"),
    mark("the server lifted action %(id)s of @%(name)s at %(time)s"),
    mark("@%(by)s lifted action %(id)s of @%(name)s at %(time)s"),
    mark("the server rolled it back"),
    mark("@%(by)s rolled it back"),
    mark("@%(by)s rolled it back: %(words)s"),
    mark("%(what)s (%(num)s of its suspensions would be over by now and was not taken again)"),
    mark("%(what)s (%(num)s of its suspensions would be over by now and were not taken again)"),
    mark("Nothing of it is in force any more"),
    mark("The server's disk is full"),
    mark("Make room on it: the work goes on by itself"),
    mark("Look for the cause in the server's log and with rostra doctor: it is tried by itself"),
    mark("Whether all workers hide it is not known: %(why)s"),
    mark("Whether all workers hide it: %(what)s"),
    mark("Hidden again in %(num)s worker"),
    mark("Hidden again in %(num)s workers"),
    mark("Not seen to be hidden in worker %(workers)s: start the server again"),
    mark("was not reached"),
    mark("is still shown"),
    mark("not shown"),
    mark("Waiting for worker %(workers)s to answer, for up to %(num)s seconds"),
    mark("suspended"),
)
"""What a reinstatement says as it goes, and what its states mean."""

AMNESTIES: Final = (
    mark("failures: %(what)s"),
    mark("moderator: %(what)s"),
    mark("@%(name)s started or resumed it, and may not act as a moderator any more"),
    mark("Nothing was begun; resume it then"),
    mark("Another moderator resumes it, stops it or rolls it back"),
    mark("reports: %(what)s"),
    mark("lag: %(what)s"),
    mark("probes: %(what)s"),
    mark("manifest: %(what)s"),
    mark("drift: %(what)s"),
    mark("%(num)s of its accounts could not be reinstated, %(limit)s may fail"),
    mark("Look at why in the report, mend it or leave them out, then resume, stop or roll back"),
    mark("more than %(num)s new reports came in within a minute"),
    mark("more than %(num)s new report came in within a minute"),
    mark("See whether they are about those who returned; then resume, stop or roll back"),
    mark("a job has been due for %(num)s s, %(limit)s s may pass"),
    mark("Find out what keeps the job process (rostra_jobs_waiting, the log), then resume"),
    mark("the probe %(probe)s of @%(name)s failed in worker %(worker)s: %(what)s"),
    mark("the probe %(probe)s of @%(name)s failed: %(what)s"),
    mark(
        "Find out why; resume looks again, resume --past-probes goes on without looking, rollback "
        "takes back what was done"
    ),
    mark("they did not all pass"),
    mark("See that the server answers, then resume"),
    mark("the accounts of the amnesty are not those that were approved"),
    mark("Do not go on: plan it again, and find out who changed the database"),
    mark("Run rostra doctor, then resume"),
    mark("%(num)s accounts in %(waves)s waves"),
    mark("%(num)s account in %(waves)s wave"),
    mark("%(num)s accounts in %(waves)s wave"),
    mark("%(num)s account in %(waves)s waves"),
    mark("Paused in wave %(num)s"),
    mark("Being rolled back"),
    mark("The probes of its last wave are passed over"),
    mark("%(outcomes)s of %(num)s accounts"),
    mark("%(outcomes)s of %(num)s account"),
    mark("Wave %(num)s of %(all)s is over: %(outcomes)s, all probes passed"),
    mark("All waves are over: %(outcomes)s"),
    mark("%(num)s edges are alive again"),
    mark("%(num)s edge is alive again"),
    mark(
        "%(num)s accounts have other counts than planned, since people followed, left or were "
        "suspended meanwhile"
    ),
    mark(
        "%(num)s account has other counts than planned, since people followed, left or were "
        "suspended meanwhile"
    ),
    mark("%(num)s of %(all)s accounts counted anew are WRONG: run rostra doctor"),
    mark("Counted anew and WRONG: %(num)s of %(all)s accounts: run rostra doctor"),
    mark("Counted anew and WRONG: %(num)s of %(all)s account: run rostra doctor"),
    mark("%(num)s accounts are as before"),
    mark("%(num)s account is as before"),
    mark("%(num)s were left as they are: the report says why of each"),
    mark("%(num)s was left as it is: the report says why of each"),
    mark("%(num)s pending"),
    mark("%(num)s lifted"),
    mark("%(num)s skipped"),
    mark("%(num)s failed"),
    mark("%(num)s rolled back"),
    mark("%(num)s kept"),
    mark("Nobody with such an action in force is meant: look at the selector again"),
    mark("All %(num)s accounts found are left out: %(excluded)s"),
    mark("The one account found is left out: %(excluded)s"),
    mark("It was interrupted"),
    mark("It was interrupted: plan it again"),
    mark("It was given up: %(error)s"),
    mark("It was deleted since"),
    mark("It was put away by its owner since"),
    mark("An appeal of it was accepted"),
    mark("It was labelled %(label)s since"),
    mark("Its action was lifted since (%(reason)s)"),
    mark("Another action was taken against it since"),
    mark("Its time was over before its wave came"),
    mark("Another of its actions was lifted since"),
    mark("Its time would be over by now"),
    mark("A reinstatement of it is under way (run %(id)s)"),
    mark(
        "This is left to a poll that is open until %(time)s (decision %(id)s): wait for it, or "
        "unbind it with a reason"
    ),
    mark(
        "The poll did not decide for this: %(what)s (decision %(id)s). It stays as it is, unless "
        "a moderator unbinds it with a reason"
    ),
    mark(
        "%(num)s of %(all)s votes for it (%(share)s), asked were %(asked)s of at least %(quorum)s"
    ),
    mark("%(num)s of %(all)s vote for it (%(share)s), asked were %(asked)s of at least %(quorum)s"),
    mark(
        "The poll this was left to is void: %(why)s (decision %(id)s). Unbind it with a reason; "
        "then bind another poll, or none"
    ),
    mark("it cannot be counted"),
    mark("the poll was deleted before it closed"),
    mark("the poll was edited before it closed"),
    mark("who asked it was suspended or left before it closed"),
)
"""What an amnesty says as it goes, of itself and of its accounts."""

EXCLUSIONS: Final = (
    mark("left out by the amnesty's own exception"),
    mark("labelled legal_hold"),
    mark("deleted"),
    mark("moderators and owners: reinstate them one by one"),
    mark("in the hands of another amnesty or reinstatement"),
    mark("labelled child_safety"),
    mark("labelled spam"),
    mark("would stay hidden by something else that is in force"),
    mark("with another strike that stands"),
)
"""Who is left out of an amnesty; a plan says how many, and by which of these."""

FIELDS: Final = (
    mark("what is in force for the account"),
    mark("the ground of an action that would be lifted"),
    mark("the rest of its statement of reasons"),
    mark("when it was taken"),
    mark("when it ends by itself; none: not before it is lifted"),
    mark("who took it; none: the server itself"),
    mark("how many actions, of any kind, are in force"),
    mark("how many actions were ever taken and not overturned"),
    mark("how many follow it, hidden ones included"),
    mark("how many it follows, hidden ones included"),
    mark("how many statuses and boosts it has"),
    mark("how many reports were made about it"),
    mark("when the account was made"),
    mark("a label that moderators gave it"),
    mark("the newest appeal about an action in force"),
    mark("its handle"),
    mark("its id"),
)
"""What the fields are that a selector asks about."""

FILES: Final = (
    mark("it takes too much memory to read"),
    mark("it is too large: at most %(num)s pixels"),
    mark("it has too many frames: at most %(num)s, and fewer of large ones"),
)
"""What is wrong with a file, as the program that reads pictures says it."""

SENTENCES: Final = (*PROBES, *HEADROOM, *RUNS, *AMNESTIES, *EXCLUSIONS)
"""All that is said of work as it goes; of two that fit, the one that stands first is meant."""
