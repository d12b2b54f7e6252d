import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.util.Properties;

/** Debezium's embedded engine with the settings of its standard input; prints each change as one line. */
class Engine {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.load(System.in);
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        DebeziumEngine.create(Json.class)
            .using(settings)
            .notifying(event -> out.println(event.value()))
            .using((success, message, error) -> {
                if (!success) {
                    System.err.println(message);
                    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                        System.err.println(cause);
                    }
                }
            })
            .build()
            .run();
    }
}
