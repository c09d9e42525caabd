import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.base.Optional;
import io.digdag.client.DigdagClient;
import io.digdag.client.api.Id;
import io.digdag.client.api.RestProject;
import io.digdag.client.api.RestSchedule;
import java.io.File;
import java.io.InputStream;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import javax.ws.rs.WebApplicationException;
import javax.ws.rs.core.Response;

/**
 * Makes Digdag's REST calls by Digdag's own client library, in a project of its own, which it leaves as it is in the end.
 * Reads from standard input, as JSON: host, port, ssl, credentials (headers), project, scheduled and broken (files with
 * archives), scheduleFrom, noId. Prints one JSON object: what the library made of each answer, by the name of the call.
 */
public class Calls {
    private static final ObjectMapper MAPPER = DigdagClient.objectMapper();
    private static final Map<String, Object> ANSWERS = new LinkedHashMap<>();

    public static void main(String[] arguments) throws Exception {
        JsonNode input = MAPPER.readTree(System.in);
        try (DigdagClient client = client(input, true); DigdagClient stranger = client(input, false)) {
            calls(client, input);
            refusal("getProjectsWithoutCredentials", () -> stranger.getProjects());
        }
        catch (IllegalStateException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
        System.out.println(MAPPER.writeValueAsString(ANSWERS));
    }

    private static DigdagClient client(JsonNode input, boolean withCredentials) {
        DigdagClient.Builder builder = DigdagClient.builder()
            .host(input.get("host").asText())
            .port(input.get("port").asInt())
            .ssl(input.get("ssl").asBoolean());
        if (withCredentials)
            input.get("credentials").fields().forEachRemaining(one -> builder.header(one.getKey(), one.getValue().asText()));
        return builder.build();
    }

    private static void calls(DigdagClient client, JsonNode input) throws Exception {
        String name = input.get("project").asText();
        File scheduled = new File(input.get("scheduled").asText());
        File broken = new File(input.get("broken").asText());
        Id noId = Id.of(input.get("noId").asText());
        Instant from = Instant.parse(input.get("scheduleFrom").asText());

        answer("getVersion", () -> client.getVersion());
        answer("checkClientVersion", () -> client.checkClientVersion("0.10.0"));
        refusal("getProjectOfUnknownName", () -> client.getProject(name));
        refusal("putBrokenProjectRevision", () -> client.putProjectRevision(name, "r1", broken));
        RestProject first = answer("putProjectRevision", () -> client.putProjectRevision(name, "r1", scheduled));
        refusal("putSameProjectRevision", () -> client.putProjectRevision(name, "r1", scheduled));
        answer("putNextProjectRevision", () -> client.putProjectRevision(name, "r2", scheduled, Optional.of(from)));

        Id project = first.getId();
        answer("getProjectByName", () -> client.getProject(name));
        answer("getProjectById", () -> client.getProject(project));
        refusal("getProjectOfUnknownId", () -> client.getProject(noId));
        answer("getRevisions", () -> client.getRevisions(project, Optional.absent()));
        answer("getWorkflowDefinitions", () -> client.getWorkflowDefinitions(project));
        answer("getWorkflowDefinitionsOfRevision", () -> client.getWorkflowDefinitions(project, "r1"));
        answer("getWorkflowDefinition", () -> client.getWorkflowDefinition(project, "daily"));
        refusal("getWorkflowDefinitionOfUnknownName", () -> client.getWorkflowDefinition(project, "nosuch"));
        try (InputStream archive = client.getProjectArchive(project, "r1")) {
            ANSWERS.put("getProjectArchive", archive.readAllBytes());
        }

        answer("getSchedules", () -> client.getSchedules(project, Optional.absent()));
        RestSchedule schedule = answer("getScheduleOfWorkflow", () -> client.getSchedule(project, "daily"));
        Id id = schedule.getId();
        Id before = Id.of(Long.toString(Long.parseLong(id.get()) - 1));
        answer("getSchedule", () -> client.getSchedule(id));
        answer("getSchedulesOfAllProjects", () -> client.getSchedules(Optional.of(before)));
        answer("disableSchedule", () -> client.disableSchedule(id));
        answer("getDisabledSchedule", () -> client.getSchedule(id));
        answer("enableSchedule", () -> client.enableSchedule(id));
        answer("getEnabledSchedule", () -> client.getSchedule(id));
        refusal("disableUnknownSchedule", () -> client.disableSchedule(noId));
    }

    private static <T> T answer(String name, Callable<T> call) throws Exception {
        try {
            T answer = call.call();
            ANSWERS.put(name, answer);
            return answer;
        }
        catch (Exception e) {
            throw new IllegalStateException(name + ": " + e);
        }
    }

    /**
     * Notes the exception's class, and status and JSON of the answer behind it. There is no JSON where the library itself refuses,
     * nor where it has closed the answer.
     */
    private static void refusal(String name, Callable<?> call) throws Exception {
        Map<String, Object> seen = new LinkedHashMap<>();
        ANSWERS.put(name, seen);
        try {
            call.call();
            seen.put("exception", null);
        }
        catch (WebApplicationException e) {
            seen.put("exception", e.getClass().getName());
            seen.put("status", e.getResponse().getStatus());
            seen.put("body", body(e.getResponse()));
        }
    }

    private static JsonNode body(Response answer) throws Exception {
        try {
            return answer.hasEntity() ? MAPPER.readTree(answer.readEntity(String.class)) : null;
        }
        catch (IllegalStateException closed) {
            return null;
        }
    }
}
