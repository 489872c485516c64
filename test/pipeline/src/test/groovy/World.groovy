/**
 * What is around the pipeline: executors with workspaces, a credential store, three environments, people; and what the scripts
 * would do to them. A test sets what goes wrong, and reads what happened.
 */
class World {
    static class StepFailed extends RuntimeException { StepFailed(String why) { super(why) } }
    static class Interrupted extends RuntimeException { Interrupted(String why) { super(why) } }

    /** A step with what held around it. */
    @groovy.transform.Canonical
    static class Event { String what; String stage; Map executor; List<Map> limits; List<String> locks; List<Integer> milestones }

    static final PUSHED = 'registry.example/berth@sha256:0123'

    // What a test sets.
    String branch = 'main'
    boolean qualityGateIsGreen = true
    boolean isApproved = true
    /** Commands that end with 1; that hang until their time is over; that a person aborts. */
    List<String> failing = [], hanging = [], aborted = []
    /** Environments in which the new image does not do what a user expects. */
    List<String> badIn = []
    Map<String, String> served = [dev: 'the old image', staging: 'the old image', production: 'the old image']

    // What it reads.
    String result
    Integer totalLimit
    final List<Event> events = []
    final List<String> stages = [], log = [], mails = []
    final List<Map> executors = []
    final List<Map> inputs = []
    final List<Map> deployments = []
    /** All that were ever bound, by variable; and what was bound during each command, by id in the credential store. */
    final Map<String, String> secrets = [:]
    final Map<String, List<String>> bindings = [:]
    final Map<String, Object> env = [BRANCH_NAME: 'main', BUILD_NUMBER: '7', BUILD_URL: 'https://jenkins.example/7/']

    private Map executor
    private final List bound = []
    private final List<Map> limits = []
    private final List<String> locks = []
    private final List<Integer> milestones = []
    private final Map<String, Map> stashes = [:]
    private final Map<String, String> before = [:]

    static int minutes(Map limit) { limit.time * [MINUTES: 1, HOURS: 60, DAYS: 1440][limit.unit] }

    List<String> getCommands() { events.findAll { it.what.startsWith('sh ') }*.what*.substring(3) }

    void begin(String stage) { stages << stage }

    void onExecutor(String label, Closure body) {
        if (executor) throw new IllegalStateException('an executor inside of another')
        executor = [label: label, files: [:]]
        executors << executor
        try { body() } finally { executor = null }
    }

    void within(List stack, Object held, Closure body) {
        stack << held
        try { body() } finally { stack.removeLast() }
    }

    void limited(Map limit, Closure body) { within(limits, [minutes: minutes(limit)], body) }
    void locked(String resource, Closure body) { within(locks, resource, body) }
    void withCredentials(List<Map> wanted, Closure body) {
        def values = wanted*.names.flatten().collectEntries { [(it): "SECRET-$it".toString()] }
        secrets.putAll(values)
        env.putAll(values)
        try { within(bound, wanted*.id*.toString(), body) } finally { env.keySet().removeAll(values.keySet()) }
    }

    void milestone(int ordinal) { note('milestone'); milestones << ordinal }

    /** Every step passes here: none runs when the time around it is over. */
    Event note(String what) {
        if (limits.any { it.isOver }) throw new Interrupted("$what: the time is over")
        def event = new Event(what, stages ? stages.last() : '', executor, limits.collect(), locks.collect(), milestones.collect())
        events << event
        event
    }

    Map workspace(String step) {
        if (!executor) throw new IllegalStateException("$step needs an agent")
        executor.files
    }

    void stash(String name, String includes) {
        stashes[name] = workspace('stash').findAll { file, content -> includes.split(',').any { file.startsWith(it - '**') } }
    }

    void unstash(String name) {
        if (!(name in stashes)) throw new StepFailed("nothing was stashed as $name")
        workspace('unstash').putAll(stashes[name])
    }

    String sh(String command) {
        def files = workspace('sh')
        note("sh $command")
        if (bound) bindings[command] = bound.flatten()
        if (command in aborted) throw new Interrupted('a person')
        if (command in hanging) {
            if (!limits) throw new IllegalStateException("$command hangs for ever")
            limits.last().isOver = true
            throw new Interrupted('the time is over')
        }
        def (String program, String argument) = command.split(' ') as List
        if (program.startsWith('scripts/') && !files['scripts/']) throw new StepFailed("$program: not found")
        if (command in failing) throw new StepFailed("script returned exit code 1")
        effectOf(program, argument, command, files)
    }

    private String effectOf(String program, String environment, String command, Map files) {
        switch (program) {
            case 'scripts/build-image': files['image.txt'] = 'berth:abc'; break
            case 'scripts/push-image': files['image.txt'] = PUSHED; break
            case 'scripts/revision': return served[environment] ? '4\n' : 'none\n'
            case 'scripts/deploy':
                if (!files['helm/']) throw new StepFailed('no chart')
                before[environment] = served[environment]
                served[environment] = command.split(' ')[2]
                deployments << [environment: environment, image: served[environment]]
                break
            case 'scripts/smoke-deployed':
                if (environment in badIn && served[environment] != before[environment]) throw new StepFailed('smoke')
                break
            case 'scripts/rollback':
                if (command != "scripts/rollback $environment 4") throw new StepFailed('no such revision')
                served[environment] = before[environment] ?: served[environment]
        }
        ''
    }
}
