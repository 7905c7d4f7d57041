package Scripts;

# Small answers of each dialect, written by us, for scripted providers.

use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
our @EXPORT = qw(json_text anthropic_body anthropic_sse chat_body chat_sse
    gemini_body gemini_sse answer_for config_for);

my $json = JSON::PP->new->utf8->canonical;
sub json_text { $json->encode($_[0]) }

my $text = "Bonjour \x{4f60}\x{597d}!";

sub anthropic_body {
	return json_text({ id => 'msg_01', type => 'message',
	    role => 'assistant', model => 'claude-3-opus-20240229',
	    content => [ { type => 'text', text => $text } ],
	    stop_reason => 'end_turn', stop_sequence => undef,
	    usage => { input_tokens => 12, output_tokens => 5 } });
}

sub sse { join '', map { "event: $_->{type}\ndata: " . json_text($_) .
    "\n\n" } @_ }

sub anthropic_sse {
	return sse({ type => 'message_start', message => { id => 'msg_01',
	    type => 'message', role => 'assistant',
	    model => 'claude-3-opus-20240229', content => [],
	    stop_reason => undef, stop_sequence => undef,
	    usage => { input_tokens => 12, output_tokens => 1 } } },
	    { type => 'content_block_start', index => 0,
	    content_block => { type => 'text', text => '' } },
	    { type => 'ping' },
	    (map { { type => 'content_block_delta', index => 0,
	    delta => { type => 'text_delta', text => $_ } } }
	    'Bonjour ', "\x{4f60}\x{597d}", '!'),
	    { type => 'content_block_stop', index => 0 },
	    { type => 'message_delta', delta => { stop_reason => 'end_turn',
	    stop_sequence => undef }, usage => { output_tokens => 5 } },
	    { type => 'message_stop' });
}

sub chat_body {
	return json_text({ id => 'chatcmpl-1', object => 'chat.completion',
	    created => 1700000000, model => 'gpt-4o-mini', choices => [ {
	    index => 0, message => { role => 'assistant',
	    content => $text }, finish_reason => 'stop' } ],
	    usage => { prompt_tokens => 12, completion_tokens => 5,
	    total_tokens => 17 } });
}

sub chat_sse {
	my $chunk = sub { json_text({ id => 'chatcmpl-1',
	    object => 'chat.completion.chunk', created => 1700000000,
	    model => 'gpt-4o-mini', @_ }) };
	my $delta = sub { $chunk->(choices => [ { index => 0,
	    delta => $_[0], finish_reason => $_[1] } ]) };
	return join '', map { "data: $_\n\n" }
	    $delta->({ role => 'assistant', content => '' }),
	    (map { $delta->({ content => $_ }) } 'Bonjour ',
	    "\x{4f60}\x{597d}", '!'),
	    $delta->({}, 'stop'),
	    $chunk->(choices => [], usage => { prompt_tokens => 12,
	    completion_tokens => 5, total_tokens => 17 }), '[DONE]';
}

sub gemini_object {
	my ($t, $finish) = @_;
	return { candidates => [ { content => { parts => [ { text => $t } ],
	    role => 'model' }, index => 0, $finish ?
	    (finishReason => $finish) : () } ],
	    usageMetadata => { promptTokenCount => 12,
	    candidatesTokenCount => 5, totalTokenCount => 17 },
	    modelVersion => 'gemini-pro', responseId => 'resp1' };
}

sub gemini_body { json_text(gemini_object($text, 'STOP')) }

sub gemini_sse {
	return join '', map { 'data: ' . json_text($_) . "\r\n\r\n" }
	    gemini_object('Bonjour '), gemini_object("\x{4f60}\x{597d}"),
	    gemini_object('!', 'STOP');
}

# Answers a request in the dialect of its path, as a provider would.
sub answer_for {
	my ($req) = @_;
	my $path = $req->{path};
	my $body = eval { Upstream::json_of($req) } // {};
	my %type = ('Content-Type' => 'application/json',
	    'x-request-id' => 'up-1234');
	my %sse = ('Content-Type' => 'text/event-stream',
	    'x-request-id' => 'up-1234');

	if ($path =~ m{/chat/completions}) {
		return [reply => 200, \%type, chat_body()]
		    unless $body->{stream};
		return ([head => 200, \%sse], [drip => chat_sse(), 50],
		    ['last']);
	} elsif ($path =~ m{/messages}) {
		return [reply => 200, \%type, anthropic_body()]
		    unless $body->{stream};
		return ([head => 200, \%sse], [drip => anthropic_sse(), 50],
		    ['last']);
	} elsif ($path =~ m{:generateContent}) {
		return [reply => 200, \%type, gemini_body()];
	} elsif ($path =~ m{:streamGenerateContent}) {
		return ([head => 200, \%sse], [drip => gemini_sse(), 50],
		    ['last']);
	}
	return [reply => 404, \%type, '{"error":{"message":"no"}}'];
}

# app.yml with all three built-in providers at one scripted one.
sub config_for {
	my ($up, $more) = @_;
	my $base = $up->base;

	return <<"EOT" . ($more // '');
PROVIDERS:
  openai:
    base_url: $base
  anthropic:
    base_url: $base
  gemini:
    base_url: $base
API_KEY_POOLS:
  openai:
    keys: ["sk-test-openai-key-0001", "sk-test-openai-key-0002"]
  anthropic:
    keys: ["sk-ant-test-key-0000001", "sk-ant-test-key-0000002"]
  gemini:
    keys: ["AIza-test-gemini-key-01", "AIza-test-gemini-key-02"]
EOT
}

1;
