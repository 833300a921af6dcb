using System.Globalization;
using System.Text;
using DiPaCo.Serving.Scheduling;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary><c>GET /metrics</c> in the text format of Prometheus.</summary>
internal static class MetricsEndpoint
{
    /// <summary>Writes all metrics.</summary>
    public static Task HandleAsync(HttpContext context, ServingState state)
    {
        EngineCounters counters = state.Engine.Counters;
        StringBuilder text = new();
        Add("gauge", "dipaco_requests_running", "Requests that have not ended, this one among them.", state.Running);
        Add("gauge", "dipaco_sequences_waiting", "Sequences that wait.", counters.Waiting);
        Add("gauge", "dipaco_sequences_active", "Sequences that are computed.", counters.Active);
        Add("gauge", "dipaco_cache_pages_reserved", "Pages of keys and values that sequences have reserved.", counters.PagesReserved);
        Add("gauge", "dipaco_cache_pages_allocated", "Pages of keys and values in memory.", counters.PagesAllocated);
        Add("gauge", "dipaco_weights_bytes", "Bytes of weights in memory.", state.Store.Bytes);
        Add("gauge", "dipaco_modules", "Modules in memory.", state.Store.Count);
        Add("gauge", "dipaco_model_phases", "Phases of the model that is served.", state.Source.Current.Description.PhasesDone);
        Add("counter", "dipaco_module_loads_total", "Modules read from files.", state.Store.Loads);
        Add("counter", "dipaco_model_updates_total", "Versions of the model taken up.", state.Source.Updates);
        Add("counter", "dipaco_steps_total", "Steps of the engine.", counters.Steps);
        Add("counter", "dipaco_rows_total", "Rows of all steps.", counters.Rows);
        Add("counter", "dipaco_sequences_finished_total", "Sequences that have ended.", counters.Finished);
        Add("counter", "dipaco_sequences_cancelled_total", "Sequences that their clients gave up.", counters.Cancelled);
        Add("counter", "dipaco_sequences_rejected_total", "Sequences that were turned away.", counters.Rejected);
        Add("counter", "dipaco_tokens_written_total", "Tokens written.", counters.TokensWritten);
        Add("counter", "dipaco_prompt_tokens_total", "Tokens of prompts.", counters.PromptTokens);
        context.Response.ContentType = "text/plain; version=0.0.4";
        return context.Response.WriteAsync(text.ToString(), context.RequestAborted);

        void Add(string kind, string name, string help, long value) =>
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    }
}
