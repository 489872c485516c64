/**
 * Runs a declarative Jenkinsfile without a Jenkins: a block's directives are read first, then run in Jenkins' order (a stage's
 * `when beforeOptions`, options, agent, environment, steps, post). A directive or step that is not listed here is an error,
 * as it is in a Jenkins without its plugin. What the steps do is in {@link Steps}, what the scripts would do in {@link World}.
 * Not the same: no parallel or matrix stages, no `environment` with credentials(), nothing of CPS and its sandbox.
 */
class Jenkins {
    static final DIRECTIVES = [
        pipeline: ['agent', 'options', 'environment', 'stages', 'post'],
        stages: ['stage'],
        stage: ['agent', 'options', 'when', 'environment', 'stages', 'steps', 'post'],
        agent: ['label'],
        when: ['branch', 'beforeOptions', 'beforeAgent'],
        options: ['timestamps', 'timeout', 'buildDiscarder', 'skipDefaultCheckout', 'lock'],
        // In the order in which they are run.
        post: ['always', 'aborted', 'failure', 'success', 'unsuccessful', 'cleanup'],
    ]
    static final RESULTS_OF = [
        always: ['SUCCESS', 'FAILURE', 'ABORTED'], cleanup: ['SUCCESS', 'FAILURE', 'ABORTED'], success: ['SUCCESS'],
        failure: ['FAILURE'], aborted: ['ABORTED'], unsuccessful: ['FAILURE', 'ABORTED'],
    ]

    final World world
    String result = 'SUCCESS'
    Steps script

    static Class<Steps> compile(String jenkinsfile) {
        def loader = new GroovyClassLoader(Jenkins.classLoader, StepsOnly.configuration(Steps.name))
        loader.parseClass(jenkinsfile, 'Jenkinsfile') as Class<Steps>
    }

    static World run(Class<Steps> jenkinsfile, World world) {
        def jenkins = new Jenkins(world)
        jenkins.script = jenkinsfile.getDeclaredConstructor().newInstance()
        // Not as a property: a script's are in its binding.
        jenkins.script.setJenkins(jenkins)
        jenkins.script.run()
        world.result = jenkins.result
        world
    }

    Jenkins(World world) {
        this.world = world
    }

    /** The `pipeline` of the file: a stage without a name or condition. */
    void pipeline(Closure body) {
        def model = new Block('pipeline', body)
        if (!model.agent || !model.stages) throw new IllegalStateException('a pipeline needs an agent and stages')
        world.env.putAll(model.environment)
        def limit = model.option('timeout')?.first()
        if (limit) world.totalLimit = World.minutes(limit)
        onAgent(model) {
            model.stages.stage.each { runStage(*it) }
            runPost(model)
        }
    }

    void runStage(String name, Closure body) {
        def model = new Block('stage', body)
        if (!model.steps == !model.stages) throw new IllegalStateException("stage $name needs either steps or stages")
        if (result != 'SUCCESS' || (model.branch && model.branch != world.branch)) return
        if (model.stages == null) world.begin(name)
        wrapped(model.wrappers) {
            onAgent(model) {
                attempt {
                    if (model.stages) model.stages.stage.each { runStage(*it) }
                    else inScript(model.steps)
                }
                runPost(model)
            }
        }
    }

    private void runPost(Block model) {
        DIRECTIVES.post.findAll { model.post?.get(it) && result in RESULTS_OF[it] }.each { condition ->
            attempt { inScript(model.post[condition].first().first()) }
        }
    }

    private void attempt(Closure body) {
        try {
            body()
        } catch (World.Interrupted ignored) {
            if (result == 'SUCCESS') result = 'ABORTED'
        } catch (World.StepFailed failure) {
            world.log << "ERROR $failure.message".toString()
            result = 'FAILURE'
        }
    }

    /** Options that wrap a stage are the steps of the same name. */
    private void wrapped(List<List> wrappers, Closure body) {
        if (!wrappers) {
            body()
            return
        }
        script.invokeMethod(wrappers.head()[0] as String, [wrappers.head()[1], { wrapped(wrappers.tail(), body) }] as Object[])
    }

    private void onAgent(Block model, Closure body) {
        if (model.label) world.onExecutor(model.label, body)
        else body()
    }

    private void inScript(Closure body) {
        body.rehydrate(script, script, script).call()
    }
}

/** The directives of one block, by name; each as the list of the arguments it was given, in the file's order. */
class Block {
    final String kind
    final Map<String, List<List>> directives = [:].withDefault { [] }

    Block(String kind, Closure body) {
        this.kind = kind
        read(body, this)
    }

    /** Calls and assignments in the body go to this object, and nowhere else. */
    private static void read(Closure body, Object into) {
        def alone = body.rehydrate(into, into, into)
        alone.resolveStrategy = Closure.DELEGATE_ONLY
        alone.call()
    }

    def methodMissing(String name, Object arguments) {
        if (!(name in Jenkins.DIRECTIVES[kind])) throw new IllegalStateException("$name is not known in $kind")
        directives[name] << (arguments as List)
    }

    def propertyMissing(String name) {
        if (name in ['none', 'any']) return name
        throw new MissingPropertyException("$name in $kind")
    }

    Map logRotator(Map arguments) { arguments }

    private Block child(String name) { directives[name] ? new Block(name, directives[name][0][0] as Closure) : null }

    List option(String name) { child('options')?.directives?.get(name)?.getAt(0) }
    List<List> getWrappers() { ['timeout', 'lock'].findAll { option(it) }.collect { [it, option(it)[0]] } }
    String getLabel() { directives.agent && directives.agent[0][0] instanceof Closure ? child('agent').directives.label[0][0] : null }
    Object getAgent() { directives.agent }
    Map getStages() { child('stages')?.directives }
    Map getPost() { child('post')?.directives }
    Closure getSteps() { directives.steps ? directives.steps[0][0] as Closure : null }
    String getBranch() { child('when')?.directives?.branch?.getAt(0)?.getAt(0) }
    Map getEnvironment() {
        def values = [:]
        directives.environment.each { read(it[0] as Closure, values) }
        values
    }
}
