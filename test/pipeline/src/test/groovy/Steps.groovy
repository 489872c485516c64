/** The steps of Jenkins and its plugins that the Jenkinsfile may use, and the values it finds there. */
abstract class Steps extends Script {
    Jenkins jenkins

    World getWorld() { jenkins.world }
    Object getProperty(String name) {
        def env = jenkins.world.env
        if (name == 'env') return env
        if (name == 'scm') return 'scm'
        if (name == 'currentBuild') return [currentResult: jenkins.result]
        env.containsKey(name) ? env[name] : super.getProperty(name)
    }

    void pipeline(Closure body) { jenkins.pipeline(body) }
    void script(Closure body) { body() }
    void timeout(Map limit, Closure body) { world.limited(limit, body) }
    void lock(Map lock, Closure body) { world.locked(lock.resource as String, body) }
    void milestone(int ordinal) { world.milestone(ordinal) }
    void echo(Object text) { world.log << text.toString() }
    void error(Object why) { throw new World.StepFailed(why.toString()) }

    void checkout(Object scm) {
        world.workspace('checkout').putAll(['scripts/': true, 'helm/': true])
        world.note('checkout')
    }
    String sh(Map arguments) { sh(arguments.script) }
    String sh(Object command) { world.sh(command.toString()) }
    String readFile(String path) { world.workspace('readFile')[path] }
    void stash(Map arguments) { world.stash(arguments.name, arguments.includes) }
    void unstash(String name) { world.unstash(name) }
    void archiveArtifacts(Map arguments) { world.workspace('archiveArtifacts'); world.note('archiveArtifacts') }
    void cleanWs() { world.workspace('cleanWs').clear(); world.note('cleanWs') }

    void withSonarQubeEnv(String server, Closure body) { body() }
    void waitForQualityGate(Map arguments) {
        world.note('waitForQualityGate')
        if (!world.qualityGateIsGreen && arguments.abortPipeline) throw new World.StepFailed('quality gate: ERROR')
    }
    String input(Map question) {
        world.note('input')
        world.inputs << question
        if (!world.isApproved) throw new World.Interrupted('refused')
        'ada'
    }

    Map usernamePassword(Map binding) { [id: binding.credentialsId, names: [binding.usernameVariable, binding.passwordVariable]] }
    Map file(Map binding) { [id: binding.credentialsId, names: [binding.variable]] }
    Map string(Map binding) { [id: binding.credentialsId, names: [binding.variable]] }
    void withCredentials(List<Map> bindings, Closure body) { world.withCredentials(bindings, body) }

    void emailext(Map mail) { world.mails << "$mail.subject\n$mail.body".toString() }
    List culprits() { [] }
    List requestor() { [] }
}
