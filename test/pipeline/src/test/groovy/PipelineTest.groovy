import groovy.json.JsonSlurper
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

class PipelineTest {
    static final ROOT = new File('../..').canonicalFile
    static final JENKINSFILE = new File(System.getProperty('jenkinsfile') ?: "$ROOT/Jenkinsfile").text
    static final COMPILED = Jenkins.compile(JENKINSFILE)
    static final ENVIRONMENTS = ['dev', 'staging', 'production']
    /** Runs that end in every way there is. */
    static final ENDINGS = [
        [:], [branch: 'feature'], [failing: ['npm ci']], [failing: ['npm test']], [qualityGateIsGreen: false], [isApproved: false],
        [failing: ['scripts/scan']], [aborted: ['npm test']], [hanging: ['npm test']], [failing: ['scripts/revision dev']],
        [failing: ['scripts/clean-up']], [badIn: ['dev']], [badIn: ['production']], [aborted: [deployment('production')]],
        [badIn: ['staging'], failing: ['scripts/rollback staging 4']],
    ]

    static World run(Map world = [:]) { Jenkins.run(COMPILED, new World(world)) }
    static String deployment(String environment) { "scripts/deploy $environment $World.PUSHED" }

    @Test
    void 'a green run goes through all stages in order, up to production'() {
        def world = run()
        assert world.log.isEmpty()
        assert world.result == 'SUCCESS'
        assert world.stages == [
            'Checkout', 'Install', 'Verify', 'Test', 'SonarQube', 'Quality gate', 'Image', 'Scan', 'Push', 'Dev', 'Staging', 'Approval', 'Production',
        ]
        assert ENVIRONMENTS.every { world.served[it] == World.PUSHED }
    }

    @Test
    void 'every command is an executable script of the repository or an npm verb that there is'() {
        def verbs = new JsonSlurper().parse(new File(ROOT, 'package.json')).scripts.keySet()
        def all = ENDINGS.collectMany { run(it).commands }.toSet()
        assert all.size() > 15
        all.each { command ->
            def words = command.split(' ') as List
            if (words[0] == 'npm') assert command in ['npm ci', 'npm test'] || (words.size() == 3 && words[1] == 'run' && words[2] in verbs)
            else assert command.startsWith('scripts/') && new File(ROOT, words[0]).canExecute() && new File(ROOT, words[0]).isFile()
        }
    }

    @Test
    void 'a red quality gate stops before the image is built'() {
        def world = run(qualityGateIsGreen: false)
        assert world.result == 'FAILURE'
        assert world.events*.what.contains('waitForQualityGate')
        assert world.events*.what.indexOf('sh scripts/analyse') < world.events*.what.indexOf('waitForQualityGate')
        assert !world.commands.contains('scripts/build-image')
        assert world.deployments.isEmpty()
    }

    @ParameterizedTest(name = 'a failing {0} stops before anything is pushed')
    @ValueSource(strings = ['npm ci', 'npm run verify', 'npm run chart', 'scripts/test-pipeline', 'npm test', 'scripts/analyse', 'scripts/build-image', 'scripts/scan'])
    void 'a failing step stops before anything is pushed'(String command) {
        def world = run(failing: [command])
        assert world.commands.contains(command)
        assert world.result == 'FAILURE'
        assert !world.commands.contains('scripts/push-image')
        assert world.deployments.isEmpty()
    }

    @Test
    void 'every environment gets the image that was pushed, by its digest, and a smoke test before the next'() {
        def world = run()
        assert world.deployments == ENVIRONMENTS.collect { [environment: it, image: World.PUSHED] }
        def steps = world.commands.findAll { it =~ /deploy|smoke/ }
        assert steps == ENVIRONMENTS.collectMany { [deployment(it), "scripts/smoke-deployed $it".toString()] }
    }

    @ParameterizedTest(name = 'a red smoke test in {0} brings back what was there, fails the build and stops before the next environment')
    @ValueSource(strings = ['dev', 'staging', 'production'])
    void 'a red smoke test is rolled back'(String environment) {
        def world = run(badIn: [environment])
        assert world.result == 'FAILURE'
        assert world.served[environment] == 'the old image'
        assert world.deployments*.environment == ENVIRONMENTS.takeWhile { it != environment } + environment
        assert world.commands.findAll { it.startsWith('scripts/rollback') } == ["scripts/rollback $environment 4".toString()]
        assert world.mails.last().contains("$environment serves revision 4 again")
    }

    @Test
    void 'a rolled back environment is tried once more before it is called healthy'() {
        def commands = run(badIn: ['staging']).commands
        assert commands.indexOf('scripts/rollback staging 4') < commands.lastIndexOf('scripts/smoke-deployed staging')
    }

    @Test
    void 'a deployment that fails, hangs or is aborted is rolled back as well, also when its time is over'() {
        ['failing', 'hanging', 'aborted'].each { how ->
            def world = run([(how): [deployment('staging')]])
            assert world.result == (how == 'failing' ? 'FAILURE' : 'ABORTED')
            assert world.commands.contains('scripts/rollback staging 4')
            assert !world.stages.contains('Approval')
        }
    }

    @Test
    void 'the revision to go back to is asked for before the deployment'() {
        def commands = run().commands
        ENVIRONMENTS.each { assert commands.indexOf("scripts/revision $it".toString()) in (0..<commands.indexOf(deployment(it))) }
    }

    @Test
    void 'nothing is deployed where it is not known what to go back to'() {
        def world = run(failing: ['scripts/revision dev'])
        assert world.result == 'FAILURE'
        assert world.deployments.isEmpty()
    }

    @Test
    void 'a rollback that fails is told together with the failure that led to it'() {
        [[failing: ['scripts/rollback staging 4']], [served: [dev: 'old', staging: null, production: 'old']]].each {
            def world = run(it + [badIn: ['staging']])
            assert world.result == 'FAILURE'
            assert world.log.any { it.contains('staging failed') && it.contains('smoke') && it.contains('SO DID THE ROLLBACK') }
            assert world.mails.last().contains('SO DID THE ROLLBACK')
            assert !world.stages.contains('Approval')
        }
    }

    @Test
    void 'production asks first, naming the image, and only releasers may answer'() {
        def world = run()
        assert world.inputs.size() == 1
        assert world.inputs[0].submitter == 'berth-releasers'
        assert world.inputs[0].message.contains(World.PUSHED)
        def steps = world.events*.what
        def asked = steps.indexOf('input')
        assert steps.indexOf('sh scripts/smoke-deployed staging') in (0..<asked)
        assert asked in (0..<steps.indexOf("sh ${deployment('production')}".toString()))
        assert world.mails.first().contains('approval')
        assert world.mails.last().contains('approved by ada')
    }

    @Test
    void 'the wait for an approval holds neither an executor nor a lock'() {
        def wait = run().events.find { it.what == 'input' }
        assert wait.executor == null
        assert wait.locks.isEmpty()
    }

    @Test
    void 'a refused approval leaves production alone'() {
        def world = run(isApproved: false)
        assert world.result == 'ABORTED'
        assert world.served.production == 'the old image'
        assert !world.commands.any { it.contains('production') }
    }

    @Test
    void 'branches other than main are built and scanned, but push and deploy nothing and ask nobody'() {
        def world = run(branch: 'feature')
        assert world.result == 'SUCCESS'
        assert world.stages.last() == 'Scan'
        assert world.inputs.isEmpty() && world.deployments.isEmpty()
        assert world.executors*.label == ['berth-build']
        assert world.secrets.isEmpty()
    }

    @Test
    void 'two builds cannot deploy over each other, and an older one not after a newer one'() {
        def world = run()
        ENVIRONMENTS.eachWithIndex { environment, index ->
            def events = world.events.findAll { it.what =~ /^sh .*\b$environment\b/ }
            assert !events.isEmpty()
            events.each {
                assert it.locks == ["berth-$environment".toString()]
                assert it.milestones == (1..index + 1)
            }
            // Passed while it waits for its turn, a milestone would say nothing.
            assert world.events.find { it.what == 'milestone' && it.milestones.size() == index }.locks == ["berth-$environment".toString()]
        }
        assert world.events.findAll { it.executor?.label == 'berth-build' }.every { it.locks.isEmpty() }
    }

    @Test
    void 'every step that can hang has a time limit'() {
        ENDINGS.each { ending ->
            run(ending).events.findAll { it.what =~ /^(sh |checkout|waitForQualityGate|input)/ && it.what != 'sh scripts/clean-up' }.each {
                assert !it.limits.isEmpty()
                assert it.limits*.minutes.min() <= (it.what == 'input' ? 1440 : 60)
            }
        }
    }

    @Test
    void 'the limit of the whole build is longer than all the others together'() {
        def each = ENDINGS.collectMany { run(it).events }.findAll { it.limits }.collect { [it.stage, it.limits*.minutes.min()] }.toSet()
        assert run().totalLimit > each*.get(1).sum()
    }

    @Test
    void 'however a build ends, it cleans up after itself and tells people once'() {
        ENDINGS.each { ending ->
            def world = run(ending)
            assert world.commands.contains('scripts/clean-up')
            assert world.executors.every { it.files.isEmpty() }
            assert world.events.count { it.what == 'cleanWs' } == world.executors.size()
            def told = world.mails.findAll { !it.contains('waits for an approval') }
            assert told.size() == 1
            assert told[0].contains(world.result == 'SUCCESS' ? 'all well' : world.result)
        }
    }

    @Test
    void 'no credential is in a command, a log line or a mail, and none is bound outside of the step that needs it'() {
        ENDINGS.each { ending ->
            def world = run(ending)
            def said = world.commands + world.log + world.mails + world.inputs*.toString()
            world.secrets.each { name, value ->
                assert said.every { !it.contains(value) && !it.contains('$' + name) && !it.contains('${' + name) }
            }
            assert world.env.keySet().disjoint(world.secrets.keySet())
        }
        assert run().secrets.keySet() == ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'KUBECONFIG'] as Set
        assert !(JENKINSFILE =~ /(?i)(password|secret|token)\s*[:=]\s*['"](?!AWS_)/)
    }

    @Test
    void 'each environment is deployed with credentials of its own'() {
        def world = run()
        ENVIRONMENTS.each { environment ->
            assert world.bindings[deployment(environment)] == ["berth-kubeconfig-$environment".toString(), "berth-aws-$environment".toString()]
        }
        assert world.bindings['scripts/push-image'] == ['berth-ecr']
        assert world.bindings.keySet().findAll { it.startsWith('npm') }.isEmpty()
    }
}
