import org.codehaus.groovy.ast.ClassCodeVisitorSupport
import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.ast.expr.ClosureExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.stmt.ExpressionStatement
import org.codehaus.groovy.classgen.GeneratorContext
import org.codehaus.groovy.control.CompilerConfiguration
import org.codehaus.groovy.control.CompilePhase
import org.codehaus.groovy.control.SourceUnit
import org.codehaus.groovy.control.customizers.CompilationCustomizer
import org.codehaus.groovy.control.messages.SimpleMessage

/** Jenkins refuses a declarative file whose steps are anything but calls: no `if`, no `def`, outside of `script`. So does this. */
class StepsOnly extends CompilationCustomizer {
    static CompilerConfiguration configuration(String scriptBaseClass) {
        new CompilerConfiguration(scriptBaseClass: scriptBaseClass).addCompilationCustomizers(new StepsOnly())
    }

    StepsOnly() {
        super(CompilePhase.CONVERSION)
    }

    @Override
    void call(SourceUnit source, GeneratorContext context, ClassNode node) {
        new ClassCodeVisitorSupport() {
            @Override
            protected SourceUnit getSourceUnit() { source }

            @Override
            void visitMethodCallExpression(MethodCallExpression call) {
                if (call.methodAsString in ['steps'] + Jenkins.DIRECTIVES.post) check(call)
                super.visitMethodCallExpression(call)
            }

            private void check(MethodCallExpression call) {
                def body = call.arguments.expressions.find { it instanceof ClosureExpression }
                body?.code?.statements?.each {
                    if (!(it instanceof ExpressionStatement && it.expression instanceof MethodCallExpression)) {
                        source.errorCollector.addError(new SimpleMessage("line $it.lineNumber: not a step; it belongs into script { }", source))
                    }
                }
            }
        }.visitClass(node)
    }
}
